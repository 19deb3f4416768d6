"""Watches that are shared: one per kind and namespace, however many tasks wait."""

import asyncio
import contextlib
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

from kudo.cluster.connection import Connection
from kudo.cluster.discovery import ResourceKind
from kudo.cluster.failures import failure
from kudo.errors import ClusterUnavailable, InternalError, KudoError
from kudo.model.objects import Object

LINGER = 5.0
"""Seconds that a watch is kept after its last user has gone: the next step of a plan often needs the same."""

MAX_PAUSE = 10.0
"""Seconds between two tries of a watch that the API ends as soon as it begins."""


class Watch:
    """The objects of one kind in one namespace, kept up to date."""

    def __init__(self, connection: Connection, kind: ResourceKind, namespace: str, labels: str) -> None:
        self._connection = connection
        self._kind = kind
        self._path = kind.path(namespace)
        self._query = {"labelSelector": labels} if labels else {}
        self._objects: dict[str, Object] = {}
        self._version = ""
        self._by_label: defaultdict[tuple[str, str], dict[str, Object]] = defaultdict(dict)
        self._wakers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._failure: KudoError | None = None
        self._listed = asyncio.Event()
        self._task = asyncio.create_task(self._follow())

    def labelled(self, wanted: Mapping[str, str]) -> list[Object]:
        """What has all these labels now, by name. Raises the error that ended the watch."""
        self._check()
        # A thousand tasks ask for the pods of their objects, among the pods of all: the rarest label leads to them.
        rarest = min((self._by_label.get(label, {}) for label in wanted.items()), key=len, default={})
        found = [item for item in rarest.values() if wanted.items() <= item.labels.items()]
        return sorted(found, key=lambda item: item.name)

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
    def waking(self, waker: asyncio.Event, name: str) -> Iterator[None]:
        """Set an event when an object changes, and when the watch is read anew or fails."""
        self._wakers[name].add(waker)
        try:
            yield
        finally:
            self._wakers[name].discard(waker)
            if not self._wakers[name]:
                del self._wakers[name]

    async def listed(self) -> None:
        """Wait until the objects were read for the first time. Raises the error that ended the watch."""
        await self._listed.wait()
        self._check()

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _follow(self) -> None:
        short = 0
        try:
            while True:
                began = time.monotonic()
                await self._list()
                await self._stream()
                # One that lasted is taken up at once; one that is refused again and again is not.
                short = 0 if time.monotonic() - began > MAX_PAUSE else short + 1
                if short > 1:
                    await asyncio.sleep(random.uniform(0.5, 1) * min(0.1 * 2**short, MAX_PAUSE))
        except KudoError as error:
            self._failure = error
        except Exception as error:
            self._failure = InternalError(f"watching {self._path}: {type(error).__name__}: {error}")
        finally:
            self._listed.set()
            self._wake()

    async def _list(self) -> None:
        answer = await self._connection.request("GET", self._path, query=self._query)
        if not answer.ok:
            raise failure(answer.code, answer.body, f"listing {self._kind.plural}")
        named = {"apiVersion": self._kind.api_version, "kind": self._kind.kind}
        items = (Object({**named, **item.manifest}) for item in answer.body.children("items"))
        self._objects = {}
        self._by_label.clear()
        for item in items:
            self._put(item)
        self._version = answer.body.resource_version
        self._listed.set()
        self._wake()

    def _put(self, item: Object) -> None:
        self._drop(item.name)
        self._objects[item.name] = item
        for label in item.labels.items():
            self._by_label[label][item.name] = item

    def _drop(self, name: str) -> None:
        before = self._objects.pop(name, None)
        for label in before.labels.items() if before else ():
            self._by_label[label].pop(name)
            if not self._by_label[label]:
                del self._by_label[label]

    async def _stream(self) -> None:
        """Take in events until the stream ends; the list is read anew then, so that nothing is missed."""
        query = {**self._query, "resourceVersion": self._version, "allowWatchBookmarks": "true"}
        # A stream that is cut is no news; an API that cannot be listed is, and _list says so.
        with contextlib.suppress(ClusterUnavailable):
            async for event in self._connection.watch(self._path, query):
                if event.text("type") == "ERROR":
                    return
                self._take(event)

    def _take(self, event: Object) -> None:
        item = event.child("object")
        self._version = item.resource_version or self._version
        match event.text("type"):
            case "ADDED" | "MODIFIED":
                self._put(item)
                self._wake(item.name)
            case "DELETED":
                self._drop(item.name)
                self._wake(item.name)

    def _wake(self, name: str = "") -> None:
        """Wake those who wait for an object; everybody without a name."""
        for waker in self._wakers.get(name, ()) if name else set().union(*self._wakers.values()):
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
        await asyncio.gather(*(watch.close() for watch in self._watches.values()), return_exceptions=True)
        self._watches.clear()
