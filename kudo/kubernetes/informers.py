"""Informers: caches of objects that a watch keeps up to date, shared by everyone who waits.

One informer exists per kind, namespace and label selector, however many tasks subscribe to it. It lists the objects,
streams the events that follow the list, and lists again whenever the stream ends, so that no change is missed:

    subscribe -> list -> stream events -> the API ends the stream -> list -> ...
                   |            |
                   +------------+--> cache --> notify those who wait for an object of that name

Subscribers read the cache; they never wait for the API. It has the objects as JSON, without `managedFields`: parsed, a
Deployment and its pod take 35 KB, ten times as much. An informer whose list is rejected fails, and every subscriber
gets the error. It stops some seconds after its last subscriber has left, because the next step of a plan often needs
the same one. client-go's `SharedInformerFactory` is the model for the names.
"""

import asyncio
import contextlib
import json
import random
import time
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from kudo.errors import ClusterUnavailable, InternalError, KudoError
from kudo.kubernetes.connection import Connection
from kudo.kubernetes.discovery import ResourceKind
from kudo.kubernetes.failures import failure
from kudo.model.objects import Object

LINGER = 5.0
"""Seconds that an informer is kept after its last subscriber has left."""

DELETED = 1000
"""Deleted objects whose last state an informer keeps."""

MAX_PAUSE = 10.0
"""Longest pause, in seconds, before a watch that the API keeps ending is started again."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """An object in the cache."""

    text: str
    labels: dict[str, str]

    @classmethod
    def of(cls, item: Object) -> Self:
        # Half of an object, and nobody who waits needs it.
        item.child("metadata").manifest.pop("managedFields", None)
        return cls(json.dumps(item.manifest, separators=(",", ":")), item.labels)

    def parsed(self) -> Object:
        return Object(json.loads(self.text))


class Informer:
    """The objects of one kind in one namespace, kept up to date."""

    def __init__(self, connection: Connection, kind: ResourceKind, namespace: str, labels: str) -> None:
        self._connection = connection
        self._kind = kind
        self._path = kind.path(namespace)
        self._query = {"labelSelector": labels} if labels else {}
        self._objects: dict[str, _Stored] = {}
        self._deleted: OrderedDict[str, _Stored] = OrderedDict()
        self._version = ""
        self._by_label: defaultdict[tuple[str, str], dict[str, _Stored]] = defaultdict(dict)
        self._waiters: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._failure: KudoError | None = None
        self._synced = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def labelled(self, wanted: Mapping[str, str]) -> list[Object]:
        """Return the objects with all these labels, ordered by name. Raises the error that ended the informer."""
        self._check()
        # A thousand tasks look up the pods of their objects among all pods, so the search starts from the rarest label.
        rarest = min((self._by_label.get(label, {}) for label in wanted.items()), key=len, default={})
        found = {name: item for name, item in rarest.items() if wanted.items() <= item.labels.items()}
        return [item.parsed() for _, item in sorted(found.items())]

    def get(self, name: str) -> Object | None:
        """Return one object from the cache. Raises the error that ended the informer."""
        self._check()
        found = self._objects.get(name)
        return found.parsed() if found else None

    def deleted(self, uid: str) -> Object | None:
        """Return the last state of an object that was deleted while the informer watched; None if it is not known."""
        found = self._deleted.get(uid)
        return found.parsed() if found else None

    def has_observed(self, version: str) -> bool:
        """Whether the cache contains every change up to a resourceVersion."""
        if version.isdecimal() and self._version.isdecimal():
            return int(self._version) >= int(version)
        return True

    def _check(self) -> None:
        if self._failure is not None:
            # A new error each time, because an error that is raised twice keeps the frames of both tracebacks.
            raise type(self._failure)(str(self._failure))

    @property
    def failed(self) -> bool:
        return self._failure is not None

    @contextlib.contextmanager
    def notify(self, event: asyncio.Event, name: str) -> Iterator[None]:
        """Set an event when an object changes, and when the informer lists again or fails, while the body runs."""
        self._waiters[name].add(event)
        try:
            yield
        finally:
            self._waiters[name].discard(event)
            if not self._waiters[name]:
                del self._waiters[name]

    async def wait_synced(self) -> None:
        """Wait until the first list is in the cache. Raises the error that ended the informer."""
        await self._synced.wait()
        self._check()

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        short = 0
        try:
            while True:
                began = time.monotonic()
                await self._list()
                await self._stream()
                # A watch that lasted is restarted at once; one that ends immediately is restarted after a back-off.
                short = 0 if time.monotonic() - began > MAX_PAUSE else short + 1
                if short > 1:
                    await asyncio.sleep(random.uniform(0.5, 1) * min(0.1 * 2**short, MAX_PAUSE))
        except KudoError as error:
            self._failure = error
        except Exception as error:
            self._failure = InternalError(f"watching {self._path}: {type(error).__name__}: {error}")
        finally:
            self._synced.set()
            self._notify()

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
        self._synced.set()
        self._notify()

    def _put(self, item: Object) -> None:
        self._drop(item.name)
        stored = self._objects[item.name] = _Stored.of(item)
        for label in stored.labels.items():
            self._by_label[label][item.name] = stored

    def _drop(self, name: str) -> None:
        before = self._objects.pop(name, None)
        for label in before.labels.items() if before else ():
            self._by_label[label].pop(name)
            if not self._by_label[label]:
                del self._by_label[label]

    async def _stream(self) -> None:
        """Apply the events of a watch to the cache until the stream ends."""
        query = {**self._query, "resourceVersion": self._version, "allowWatchBookmarks": "true"}
        # A broken stream is no failure. If the API is unavailable, the next list raises.
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
                self._notify(item.name)
            case "DELETED":
                self._drop(item.name)
                self._deleted[item.uid] = _Stored.of(item)
                while len(self._deleted) > DELETED:
                    self._deleted.popitem(last=False)
                self._notify(item.name)

    def _notify(self, name: str = "") -> None:
        """Set the events of those who wait for an object; without a name, of all."""
        for event in self._waiters.get(name, ()) if name else set().union(*self._waiters.values()):
            event.set()


class SharedInformers:
    """The informers of one cluster, each shared by its subscribers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._informers: dict[tuple[str, str, str], Informer] = {}
        self._subscribers: defaultdict[Informer, int] = defaultdict(int)
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def subscribe(self, kind: ResourceKind, namespace: str, labels: str = "") -> AsyncIterator[Informer]:
        """Subscribe to the informer of a kind in a namespace, and start it if there is none; wait until it has synced.

        Raises the errors of `kudo.kubernetes.failures`, on entry or from the informer's methods.
        """
        key = (kind.path(), namespace, labels)
        informer = self._informers.get(key)
        if informer is None or informer.failed:
            informer = self._informers[key] = Informer(self._connection, kind, namespace, labels)
        self._subscribers[informer] += 1
        try:
            await informer.wait_synced()
            yield informer
        finally:
            self._subscribers[informer] -= 1
            if not self._subscribers[informer]:
                closing = asyncio.create_task(self._close_later(key, informer))
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)

    async def _close_later(self, key: tuple[str, str, str], informer: Informer) -> None:
        if not informer.failed:
            await asyncio.sleep(LINGER)
        if self._subscribers.get(informer):
            return
        self._subscribers.pop(informer, None)
        if self._informers.get(key) is informer:
            del self._informers[key]
        await informer.close()

    async def close(self) -> None:
        """Stop all informers."""
        for task in [*self._closing]:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await asyncio.gather(*(informer.close() for informer in self._informers.values()), return_exceptions=True)
        self._informers.clear()
