"""The verb watch: the changes of a resource as a stream of events."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aiohttp import web

from kudo.sandbox.objects import Object
from kudo.sandbox.resources import Resource
from kudo.sandbox.selectors import Matcher
from kudo.sandbox.status import ApiError, bad_request
from kudo.sandbox.store import Change, Feed, Store

_BOOKMARK_SECONDS = 60.0


@dataclass(frozen=True)
class Watch:
    """The parameters of a watch."""

    resource: Resource
    namespace: str
    matches: Matcher
    since: str
    timeout: float
    bookmarks: bool
    render: Callable[[Object], Object]

    def initial(self, store: Store) -> Iterator[Object]:
        """Yield an event for each existing object, if the resourceVersion is empty or 0."""
        if self.since in ("", "0"):
            for obj in store.items(self.resource.key, self.namespace):
                if self.matches(obj):
                    yield self._event("ADDED", obj)

    def subscribe(self, store: Store) -> Feed:
        """Return the changes after the resourceVersion. Raises ApiError 410 if it is too old, 400 if malformed."""
        if self.since in ("", "0"):
            return store.subscribe(store.revision)
        if not self.since.isdigit():
            raise bad_request(f'strconv.ParseUint: parsing "{self.since}": invalid syntax')
        return store.subscribe(int(self.since))

    def event(self, change: Change) -> Object | None:
        """Return the event for a change, or None if it is of no selected object."""
        key, namespace, _ = change.ref
        if key != self.resource.key or self.namespace not in ("", namespace):
            return None
        before = change.type != "ADDED" and change.previous is not None and self.matches(change.previous)
        after = change.type != "DELETED" and self.matches(change.object)
        if not before and not after:
            return None
        kind = "MODIFIED" if before and after else "ADDED" if after else "DELETED"
        return self._event(kind, change.object)

    def bookmark(self, revision: int) -> Object:
        """Return a bookmark: an event with only the resourceVersion that the stream has reached."""
        metadata = {"resourceVersion": str(revision), "creationTimestamp": None}
        resource = self.resource
        return self._event(
            "BOOKMARK", {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        )

    def _event(self, kind: str, obj: Object) -> Object:
        return {"type": kind, "object": self.render(self.resource.view(obj))}


async def serve(request: web.Request, store: Store, watch: Watch) -> web.StreamResponse:
    """Stream events until the timeout, the end of the feed, or the end of the connection."""
    # Both before the first await, so that no change happens in between.
    initial = list(watch.initial(store))
    try:
        feed = watch.subscribe(store)
    except ApiError as error:
        feed = Feed([])
        feed.cut()
        initial = [{"type": "ERROR", "object": error.status()}]
    try:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for event in initial:
            await _send(response, event)
        await _stream(response, store, watch, feed)
    finally:
        store.unsubscribe(feed)
    return response


async def _stream(response: web.StreamResponse, store: Store, watch: Watch, feed: Feed) -> None:
    clock = asyncio.get_running_loop().time
    end = clock() + watch.timeout
    while (left := end - clock()) > 0:
        try:
            async with asyncio.timeout(min(left, _BOOKMARK_SECONDS)):
                change = await feed.next()
        except TimeoutError:
            # The feed is empty, so the client has all changes up to this revision.
            if watch.bookmarks:
                await _send(response, watch.bookmark(store.revision))
            continue
        if change is None:
            return
        event = watch.event(change)
        if event is not None:
            await _send(response, event)


async def _send(response: web.StreamResponse, event: Object) -> None:
    await response.write(json.dumps(event, separators=(",", ":")).encode() + b"\n")
