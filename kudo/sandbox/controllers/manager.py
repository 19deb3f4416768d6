"""The controller manager: queues the objects that a change affects, and reconciles them one after another.

change in the store -> affected objects of each controller -> queue -> reconcile -> requeue after some seconds
"""

import asyncio
import logging
from collections.abc import Sequence

from kudo.sandbox.controllers.controller import Controller
from kudo.sandbox.status import ApiError
from kudo.sandbox.store import Change, Ref, Store

_log = logging.getLogger(__name__)

Work = tuple[Controller, Ref]


class Manager:
    """The controllers with their work queue, which has each object at most once for each controller."""

    def __init__(self, store: Store, controllers: Sequence[Controller]) -> None:
        self._store = store
        self._controllers = controllers
        self._queue: dict[Work, None] = {}
        self._wake = asyncio.Event()
        self._timers: dict[Work, asyncio.TimerHandle] = {}

    def start(self) -> None:
        """Enqueue all existing objects, and from now on those of each change."""
        for key, objects in self._store.dump()["objects"].items():
            for obj in objects:
                ref = (key, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
                self._notice(Change("ADDED", ref, obj, None, self._store.revision))
        self._store.listeners.append(self._notice)

    def stop(self) -> None:
        """Stop enqueueing, and cancel the timers."""
        if self._notice in self._store.listeners:
            self._store.listeners.remove(self._notice)
        for timer in self._timers.values():
            timer.cancel()

    async def run(self) -> None:
        """Reconcile the objects in the queue until cancelled."""
        while True:
            await self._wake.wait()
            while self._queue:
                work = next(iter(self._queue))
                del self._queue[work]
                self._reconcile(work)
                await asyncio.sleep(0)  # requests are handled in between
            self._wake.clear()

    def _notice(self, change: Change) -> None:
        for controller in self._controllers:
            for ref in controller.affected(change):
                self._enqueue((controller, ref))

    def _enqueue(self, work: Work) -> None:
        self._queue[work] = None
        self._wake.set()

    def _reconcile(self, work: Work) -> None:
        controller, ref = work
        if timer := self._timers.pop(work, None):
            timer.cancel()
        try:
            requeue_after = controller.reconcile(ref)
        except ApiError as error:
            # For example, the namespace is being deleted. The next change that affects the object enqueues it again.
            _log.debug("%s of %s: %s", type(controller).__name__, ref, error.message)
            return
        except Exception:
            _log.exception("%s of %s", type(controller).__name__, ref)
            return
        if requeue_after is not None:
            loop = asyncio.get_running_loop()
            self._timers[work] = loop.call_later(requeue_after, self._enqueue, work)
