"""Every state of the objects of a sandbox.

A test that polls would miss an object that is deleted and recreated; a watch does not.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self

import aiohttp

from kudo.model.objects import Object
from support.objects import NAMESPACE
from support.waiting import PATIENCE

PATHS = ("api/v1", "configmaps"), ("apis/apps/v1", "deployments"), ("apis/batch/v1", "jobs")


class ObjectRecorder:
    """Records every state of every ConfigMap, Deployment and Job since it started."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self._seen: defaultdict[str, list[Object]] = defaultdict(list)
        self._changed = asyncio.Condition()

    @classmethod
    @asynccontextmanager
    async def of(cls, url: str) -> AsyncIterator[Self]:
        """Watch the sandbox at a URL while the body runs."""
        recorder = cls()
        unbounded = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(url, timeout=unbounded) as session:
            watching = [asyncio.create_task(recorder._watch(session, *path)) for path in PATHS]
            try:
                yield recorder
            finally:
                for task in watching:
                    task.cancel()
                # Raise the error of a broken watch; otherwise a test would pass without having seen anything.
                for task in watching:
                    with suppress(asyncio.CancelledError):
                        await task

    async def appeared(self, name: str, patience: float = PATIENCE) -> Object:
        """Wait until an object exists, and return its first state."""
        async with asyncio.timeout(patience), self._changed:
            await self._changed.wait_for(lambda: name in self._seen)
            return self._seen[name][0]

    async def failed(self, job: str) -> None:
        """Wait until a Job has failed for good."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self.last(job).condition("Failed").text("status") == "True")

    def last(self, name: str) -> Object:
        """Return the last state of an object; an empty one if it never existed."""
        return self._seen[name][-1] if name in self._seen else Object({})

    def names(self, prefix: str) -> set[str]:
        """Return the names of the recorded objects that begin with a prefix."""
        return {name for name in self._seen if name.startswith(prefix)}

    def rewritten(self, prefix: str) -> list[str]:
        """Return the names of the objects that were recreated, or whose spec changed after they were created.

        A ConfigMap has no generation, and only the plan writes it, so that its resource version must never change.
        """
        return sorted(name for name in self.names(prefix) if len(set(map(_identity, self._seen[name]))) > 1)

    async def _watch(self, session: aiohttp.ClientSession, group: str, plural: str) -> None:
        path = f"/{group}/namespaces/{NAMESPACE}/{plural}"
        async with session.get(path, params={"watch": "true", "timeoutSeconds": "3600"}) as response:
            async for line in response.content:
                await self._record(Object(json.loads(line)))
        raise AssertionError(f"The watch of {plural} ended")

    async def _record(self, event: Object) -> None:
        item = event.child("object")
        async with self._changed:
            if event.text("type") == "DELETED":
                self.deleted.append(item.name)
            elif event.text("type") != "BOOKMARK":
                self._seen[item.name].append(item)
            self._changed.notify_all()


def _identity(item: Object) -> tuple[str, str]:
    generation = item.integer("metadata", "generation")
    return item.uid, str(generation) if generation else item.resource_version
