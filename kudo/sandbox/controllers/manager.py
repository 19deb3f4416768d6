"""Runs the controllers on the changes of the store."""

import asyncio
import logging
from collections.abc import Sequence

from kudo.sandbox.controllers.controller import Controller
from kudo.sandbox.status import ApiError
from kudo.sandbox.store import Change, Ref, Store

_log = logging.getLogger(__name__)

Work = tuple[Controller, Ref]


class Manager:
    """One queue of objects to look at; an object that is in it already is not queued twice."""

    def __init__(self, store: Store, controllers: Sequence[Controller]) -> None:
        self._store = store
        self._controllers = controllers
        self._queue: dict[Work, None] = {}
        self._wake = asyncio.Event()
        self._timers: dict[Work, asyncio.TimerHandle] = {}

    def start(self) -> None:
        """Take note of everything that is there and of all changes to come."""
        for key, objects in self._store.dump()["objects"].items():
            for obj in objects:
                ref = (key, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
                self._notice(Change("ADDED", ref, obj, None, self._store.revision))
        self._store.listeners.append(self._notice)

    def stop(self) -> None:
        """Take note of nothing any more."""
        if self._notice in self._store.listeners:
            self._store.listeners.remove(self._notice)
        for timer in self._timers.values():
            timer.cancel()

    async def run(self) -> None:
        """Work through the queue until cancelled."""
        while True:
            await self._wake.wait()
            while self._queue:
                work = next(iter(self._queue))
                del self._queue[work]
                self._reconcile(work)
                await asyncio.sleep(0)  # requests shall get their turn in between
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
            again = controller.reconcile(ref)
        except ApiError as error:
            # Such as a namespace that is going away; the change that ends it leads back here.
            _log.debug("%s of %s: %s", type(controller).__name__, ref, error.message)
            return
        except Exception:
            _log.exception("%s of %s", type(controller).__name__, ref)
            return
        if again is not None:
            loop = asyncio.get_running_loop()
            self._timers[work] = loop.call_later(again, self._enqueue, work)
