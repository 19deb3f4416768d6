"""The store: the objects, and the log of their changes."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kudo.sandbox.objects import Object, name_of, namespace_of, owners_of, uid_of
from kudo.sandbox.status import expired

Ref = tuple[str, str, str]  # (key of the resource, namespace, name)


@dataclass(frozen=True)
class Change:
    """One write: ADDED, MODIFIED or DELETED."""

    type: str
    ref: Ref
    object: Object
    previous: Object | None
    revision: int


class Feed:
    """A queue of changes, in order, for one watch."""

    def __init__(self, backlog: list[Change]) -> None:
        self._queue: asyncio.Queue[Change | None] = asyncio.Queue()
        for change in backlog:
            self._queue.put_nowait(change)

    def push(self, change: Change) -> None:
        """Append a change."""
        self._queue.put_nowait(change)

    def cut(self) -> None:
        """End the feed."""
        self._queue.put_nowait(None)

    async def next(self) -> Change | None:
        """Wait for the next change and return it, or None if the feed was ended."""
        return await self._queue.get()


class Store:
    """All objects. A stored object is never modified in place, only replaced.

    All methods are synchronous, so no lock is needed: the event loop does one write at a time.
    """

    def __init__(self, history: int = 4096) -> None:
        self.revision = 1
        self.listeners: list[Callable[[Change], None]] = []
        self._objects: dict[str, dict[tuple[str, str], Object]] = defaultdict(dict)
        self._by_uid: dict[str, Ref] = {}
        self._dependents: dict[str, dict[Ref, None]] = defaultdict(dict)
        self._log: deque[Change] = deque(maxlen=history)
        self._compacted = 1  # changes up to this revision are not in the log
        self._feeds: set[Feed] = set()

    def get(self, ref: Ref) -> Object | None:
        """Return an object, or None. Clone it before you change it."""
        return self._objects[ref[0]].get(ref[1:])

    def items(self, key: str, namespace: str = "") -> list[Object]:
        """Return the objects of a resource, ordered by namespace and name."""
        kept = sorted(self._objects[key].items())
        return [obj for (obj_namespace, _), obj in kept if namespace in ("", obj_namespace)]

    def by_uid(self, uid: str) -> Object | None:
        """Return the object with a uid, or None."""
        ref = self._by_uid.get(uid)
        return self.get(ref) if ref else None

    def ref(self, uid: str) -> Ref | None:
        """Return the reference of the object with a uid, or None."""
        return self._by_uid.get(uid)

    def dependents(self, uid: str, key: str = "") -> Iterator[tuple[Ref, Object]]:
        """Yield the objects with an owner reference to a uid, of one resource if `key` is given."""
        for ref in list(self._dependents.get(uid, ())):
            obj = self.get(ref)
            if obj is not None and key in ("", ref[0]):
                yield ref, obj

    def contents(self, namespace: str) -> Iterator[tuple[Ref, Object]]:
        """Yield all objects in a namespace."""
        for key, objects in list(self._objects.items()):
            for (obj_namespace, name), obj in list(objects.items()):
                if obj_namespace == namespace:
                    yield (key, namespace, name), obj

    def put(self, key: str, obj: Object) -> Object:
        """Store a new or changed object; return it with its resourceVersion."""
        ref = (key, namespace_of(obj), name_of(obj))
        previous = self.get(ref)
        self.revision += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.revision)}}
        if previous is not None:
            self._unlink(ref, previous)
        self._insert(ref, obj)
        self._record(Change("MODIFIED" if previous else "ADDED", ref, obj, previous, self.revision))
        return obj

    def remove(self, ref: Ref, last: Object | None = None) -> Object:
        """Remove an object; return its last state, or `last`. Raises KeyError if it does not exist."""
        previous = self._objects[ref[0]].pop(ref[1:])
        self._unlink(ref, previous)
        self.revision += 1
        last = last or previous
        last = {**last, "metadata": {**last["metadata"], "resourceVersion": str(self.revision)}}
        self._record(Change("DELETED", ref, last, previous, self.revision))
        return last

    def subscribe(self, since: int) -> Feed:
        """Return a feed of all changes after a revision.

        Raises ApiError 410 if the log does not reach back to it, or if it is in the future: then the client knows it
        from an earlier sandbox.
        """
        if since < self._compacted or since > self.revision:
            raise expired(f"too old resource version: {since} ({self._compacted})")
        feed = Feed([change for change in self._log if change.revision > since])
        self._feeds.add(feed)
        return feed

    def unsubscribe(self, feed: Feed) -> None:
        """Stop pushing changes to a feed."""
        self._feeds.discard(feed)

    @property
    def subscribers(self) -> int:
        """Number of feeds."""
        return len(self._feeds)

    def cut(self) -> None:
        """End all feeds."""
        for feed in self._feeds:
            feed.cut()

    def compact(self) -> None:
        """Discard the changes so far."""
        self._log.clear()
        self._compacted = self.revision

    @property
    def compacted(self) -> int:
        """The oldest revision from which `subscribe` still works."""
        return self._compacted

    def dump(self) -> Object:
        """Return the whole state as plain JSON data."""
        objects = {key: [obj for _, obj in sorted(kept.items())] for key, kept in self._objects.items() if kept}
        return {"revision": self.revision, "objects": objects}

    def load(self, state: Object) -> None:
        """Load a state from `dump`. The log starts empty."""
        for key, objects in state["objects"].items():
            for obj in objects:
                self._insert((key, namespace_of(obj), name_of(obj)), obj)
        self.revision = self._compacted = int(state["revision"])

    def _insert(self, ref: Ref, obj: Object) -> None:
        self._objects[ref[0]][ref[1:]] = obj
        self._by_uid[uid_of(obj)] = ref
        for owner in owners_of(obj):
            self._dependents[owner["uid"]][ref] = None

    def _unlink(self, ref: Ref, obj: Object) -> None:
        self._by_uid.pop(uid_of(obj), None)
        for owner in owners_of(obj):
            dependents = self._dependents.get(owner["uid"], {})
            dependents.pop(ref, None)
            if not dependents:
                self._dependents.pop(owner["uid"], None)

    def _record(self, change: Change) -> None:
        if len(self._log) == self._log.maxlen:
            self._compacted = self._log[0].revision
        self._log.append(change)
        for feed in self._feeds:
            feed.push(change)
        for listener in self.listeners:
            listener(change)
