"""The branches of a plan, one after the other or side by side, and how they stop.

`asyncio.gather` leaves the others running when one fails, and `asyncio.TaskGroup` cancels in an order that differs
from replay to replay; here the others are cancelled in their order, and waited for.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, Literal, TypeVar

from temporalio import workflow

IN_FLIGHT = 200
"""How many branches run side by side; more wait for their turn, because the server bounds what is pending."""

T = TypeVar("T")

Branch = Callable[[], Coroutine[Any, Any, None]]


async def run_branches(branches: Sequence[Branch], strategy: Literal["serial", "parallel"]) -> None:
    """Run branches one after the other, or side by side.

    The first failure, or being cancelled, keeps others from starting and cancels those that run; it is raised when
    they have ended. Being cancelled is not raised when all had started, and end well all the same.
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
    """Run up to IN_FLIGHT branches at a time, starting them in order; see `run_branches`."""
    raise_if_cancelled()
    waiting = list(reversed(branches))
    running: list[asyncio.Task[None]] = []
    try:
        while waiting or running:
            while waiting and len(running) < IN_FLIGHT:
                running.append(asyncio.create_task(waiting.pop()()))
            done, running = await workflow.wait(running, return_when=asyncio.FIRST_COMPLETED)
            _raise_first(done)
    # GeneratorExit is left alone: a workflow that leaves a worker's cache has nothing left to await.
    except asyncio.CancelledError:
        await stop(running)
        if waiting or not all(map(_succeeded, running)):
            raise
    except Exception:
        await stop(running)
        raise


async def stop(tasks: Sequence[asyncio.Task[T]], bound: timedelta | None = None) -> None:
    """Cancel tasks in their order, and wait until they ended, at most `bound`; being cancelled does not hasten it."""
    for task in tasks:
        task.cancel()
    if tasks:
        await uninterrupted(workflow.wait(tasks, timeout=bound.total_seconds() if bound else None))
    for task in tasks:
        _retrieve(task)


async def finish(task: asyncio.Task[T], bound: timedelta | None) -> T:
    """The result of an activity or child workflow; when cancelled, cancel it and wait for its end, at most `bound`.

    What ended all the same counts as it ended: a success is returned, a failure is raised.
    """
    try:
        raise_if_cancelled()
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await stop([task], bound)
        if task.done() and not task.cancelled():
            return task.result()
        raise


async def uninterrupted(work: Awaitable[T]) -> T:
    """Wait for work to its end, even when cancelled meanwhile; the cancel shows in `raise_if_cancelled`."""
    task = asyncio.ensure_future(work)
    while True:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.done():
                return task.result()


def cancelled() -> bool:
    """Whether the running task was asked to stop, even if what it awaited ended well all the same."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def raise_if_cancelled() -> None:
    """Do not swallow a cancel that arrived while something was ending well."""
    if cancelled():
        raise asyncio.CancelledError


def _succeeded(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _raise_first(done: Sequence[asyncio.Task[None]]) -> None:
    failures = [failure for task in done if (failure := _retrieve(task)) is not None]
    if failures:
        raise failures[0]


def _retrieve(task: asyncio.Task[T]) -> BaseException | None:
    """The failure of a task that ended; asking for it keeps asyncio from complaining that nobody did."""
    if not task.done():
        return None
    return asyncio.CancelledError() if task.cancelled() else task.exception()
