"""Watches that are shared: one per kind and namespace, however many tasks wait."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from kudo.cluster.connection import Connection
from kudo.cluster.discovery import ResourceKind
from kudo.cluster.failures import failure
from kudo.errors import ClusterUnavailable, KudoError
from kudo.model.objects import Object

LINGER = 5.0
"""Seconds that a watch is kept after its last user has gone: the next step of a plan often needs the same."""

WATCH_SECONDS = 300
"""Seconds after which the API is asked to end a watch, so that a dead connection is noticed some time."""


class Watch:
    """The objects of one kind in one namespace, kept up to date."""

    def __init__(self, connection: Connection, kind: ResourceKind, namespace: str, labels: str) -> None:
        self._connection = connection
        self._kind = kind
        self._path = kind.path(namespace)
        self._query = {"labelSelector": labels} if labels else {}
        self._objects: dict[str, Object] = {}
        self._version = ""
        self._wakers: set[asyncio.Event] = set()
        self._failure: KudoError | None = None
        self._listed = asyncio.Event()
        self._task = asyncio.create_task(self._follow())

    def objects(self) -> list[Object]:
        """What is there now. Raises the error that ended the watch."""
        self._check()
        return list(self._objects.values())

    def get(self, name: str) -> Object | None:
        """One object as it is now. Raises the error that ended the watch."""
        self._check()
        return self._objects.get(name)

    def saw(self, version: str) -> bool:
        """Whether what happened up to a resourceVersion is taken in."""
        if version.isdecimal() and self._version.isdecimal():
            return int(self._version) >= int(version)
        return True

    def _check(self) -> None:
        if self._failure is not None:
            # A new error each time: one that is raised twice drags the frames of both along.
            raise type(self._failure)(str(self._failure))

    @property
    def failed(self) -> bool:
        return self._failure is not None

    @contextlib.contextmanager
    def waking(self, waker: asyncio.Event) -> Iterator[None]:
        """Set an event at every change, and when the watch fails."""
        self._wakers.add(waker)
        try:
            yield
        finally:
            self._wakers.discard(waker)

    async def listed(self) -> None:
        """Wait until the objects were read for the first time. Raises the error that ended the watch."""
        await self._listed.wait()
        self._check()

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _follow(self) -> None:
        try:
            while True:
                await self._list()
                await self._stream()
        except KudoError as error:
            self._failure = error
            self._wake()
        finally:
            self._listed.set()

    async def _list(self) -> None:
        answer = await self._connection.request("GET", self._path, query=self._query)
        if not answer.ok:
            raise failure(answer.code, answer.body, f"listing {self._kind.plural}")
        named = {"apiVersion": self._kind.api_version, "kind": self._kind.kind}
        items = (Object({**named, **item.manifest}) for item in answer.body.children("items"))
        self._objects = {item.name: item for item in items}
        self._version = answer.body.resource_version
        self._listed.set()
        self._wake()

    async def _stream(self) -> None:
        """Take in events, connecting again where the stream ends; returns when the list must be read anew."""
        while True:
            query = {
                **self._query,
                "resourceVersion": self._version,
                "allowWatchBookmarks": "true",
                "timeoutSeconds": str(WATCH_SECONDS),
            }
            try:
                async for event in self._connection.watch(self._path, query):
                    if event.text("type") == "ERROR":
                        return
                    self._take(event)
            except ClusterUnavailable:
                # A stream that is cut is no news; an API that cannot be listed is, and _list says so.
                return

    def _take(self, event: Object) -> None:
        item = event.child("object")
        self._version = item.resource_version or self._version
        match event.text("type"):
            case "ADDED" | "MODIFIED":
                self._objects[item.name] = item
                self._wake()
            case "DELETED":
                self._objects.pop(item.name, None)
                self._wake()

    def _wake(self) -> None:
        for waker in self._wakers:
            waker.set()


class Watches:
    """All watches of a cluster."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._watches: dict[tuple[str, str, str], Watch] = {}
        self._users: defaultdict[Watch, int] = defaultdict(int)
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def follow(self, kind: ResourceKind, namespace: str, labels: str = "") -> AsyncIterator[Watch]:
        """Follow a kind in a namespace together with everybody else who does.

        Raises what `failures` has, on entry or from the watch's methods.
        """
        key = (kind.path(), namespace, labels)
        watch = self._watches.get(key)
        if watch is None or watch.failed:
            watch = self._watches[key] = Watch(self._connection, kind, namespace, labels)
        self._users[watch] += 1
        try:
            await watch.listed()
            yield watch
        finally:
            self._users[watch] -= 1
            if not self._users[watch]:
                closing = asyncio.create_task(self._close_later(key, watch))
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)

    async def _close_later(self, key: tuple[str, str, str], watch: Watch) -> None:
        if not watch.failed:
            await asyncio.sleep(LINGER)
        if self._users.get(watch):
            return
        self._users.pop(watch, None)
        if self._watches.get(key) is watch:
            del self._watches[key]
        await watch.close()

    async def close(self) -> None:
        """End all watches."""
        for task in [*self._closing]:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await asyncio.gather(*(watch.close() for watch in self._watches.values()))
        self._watches.clear()
