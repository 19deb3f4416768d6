"""Branches of a plan, one after the other or side by side, and how they stop.

A plan runs its phases as branches, a phase its steps, a step its tasks:

    run_branches -> serial: one branch after the other
                 -> parallel: up to PENDING_BRANCHES at a time, started in order

The first failure, or a cancel, keeps further branches from starting, cancels those that run in their order, and waits
for them. `asyncio.gather` would leave the others running, and `asyncio.TaskGroup` cancels in an order that differs from
replay to replay.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, Literal, TypeVar

from temporalio import workflow

from kudo.model.limits import PENDING_BRANCHES, WORKFLOW_TASK_BYTES, WORKFLOW_TASK_COMMANDS

T = TypeVar("T")

Branch = Callable[[], Coroutine[Any, Any, None]]


async def run_branches(branches: Sequence[Branch], strategy: Literal["serial", "parallel"]) -> None:
    """Run branches one after the other, or side by side.

    Raises the first failure, or the cancel, when all branches have ended. A cancel is not raised if all branches had
    started and end well all the same.
    """
    if strategy == "parallel":
        await run_side_by_side(branches)
    else:
        await _run_serially(branches)


async def _run_serially(branches: Sequence[Branch]) -> None:
    for branch in branches:
        raise_if_cancelled()
        await branch()


async def run_side_by_side(branches: Sequence[Branch]) -> None:
    """Run up to PENDING_BRANCHES branches at a time; see `run_branches`."""
    raise_if_cancelled()
    waiting = list(reversed(branches))
    running: list[asyncio.Task[None]] = []
    ended: list[asyncio.Task[None]] = []
    try:
        while waiting or running:
            while waiting and len(running) < PENDING_BRANCHES:
                running.append(asyncio.create_task(waiting.pop()()))
                running[-1].add_done_callback(ended.append)
            # `workflow.wait` would go through all tasks for each that ends; the condition is checked once for all.
            await workflow.wait_condition(lambda: bool(ended))
            ended.clear()
            done = [task for task in running if task.done()]
            running = [task for task in running if not task.done()]
            _raise_first(done)
    # GeneratorExit is not caught: a workflow that leaves a worker's cache has nothing left to await.
    except asyncio.CancelledError:
        await cancel_and_wait(running)
        if waiting or not all(map(_succeeded, running)):
            raise
    except Exception:
        await cancel_and_wait(running)
        raise


async def cancel_and_wait(tasks: Sequence[asyncio.Task[T]], bound: timedelta | None = None) -> None:
    """Cancel tasks in their order and wait until they have ended, at most `bound`, even if cancelled meanwhile."""
    for task in tasks:
        task.cancel()
    if tasks:
        await shielded(workflow.wait(tasks, timeout=bound.total_seconds() if bound else None))
    for task in tasks:
        _retrieve(task)


async def result_or_cancel(task: asyncio.Task[T], bound: timedelta | None) -> T:
    """Return the result of an activity or child; if cancelled, cancel it and wait for its end, at most `bound`.

    If it ends in spite of the cancel, it counts as it ended: its result is returned, its failure raised.
    """
    try:
        raise_if_cancelled()
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await cancel_and_wait([task], bound)
        if task.done() and not task.cancelled():
            return task.result()
        raise


async def shielded(work: Awaitable[T]) -> T:
    """Wait for work to its end, even if cancelled meanwhile; `raise_if_cancelled` raises the cancel afterwards."""
    task = asyncio.ensure_future(work)
    while True:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.done():
                return task.result()


def is_cancelling() -> bool:
    """Whether the running task was cancelled, even if the work that it awaited ended well."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def raise_if_cancelled() -> None:
    """Raise a cancel that arrived while something was ending well."""
    if is_cancelling():
        raise asyncio.CancelledError


def _succeeded(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _raise_first(done: Sequence[asyncio.Task[None]]) -> None:
    failures = [failure for task in done if (failure := _retrieve(task)) is not None]
    if failures:
        raise failures[0]


def _retrieve(task: asyncio.Task[T]) -> BaseException | None:
    """Return the failure of a task that ended; retrieving it keeps asyncio from logging that nobody did."""
    if not task.done():
        return None
    return asyncio.CancelledError() if task.cancelled() else task.exception()


class CommandBatcher:
    """Spreads commands over workflow tasks, so that none exceeds WORKFLOW_TASK_BYTES or WORKFLOW_TASK_COMMANDS."""

    def __init__(self) -> None:
        self._bytes = 0
        self._commands = 0
        self._lock = asyncio.Lock()

    async def wait_for_room(self, size: int) -> None:
        """Wait until a command of so many bytes fits into the workflow task."""
        async with self._lock:
            is_full = self._bytes + size > WORKFLOW_TASK_BYTES or self._commands >= WORKFLOW_TASK_COMMANDS
            if self._commands and is_full:
                # A timer is the one thing that always ends a workflow task.
                await workflow.sleep(timedelta(milliseconds=1))
                self._bytes = self._commands = 0
            self._bytes += size
            self._commands += 1
