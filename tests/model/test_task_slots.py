"""The slots of a worker."""

import asyncio
from typing import Any, cast

from temporalio.worker import SlotReserveContext

from kudo.activities.slots import TaskSlots

CONTEXT = cast(SlotReserveContext, None)


async def reserve(slots: TaskSlots) -> "asyncio.Task[Any]":
    reserved = asyncio.create_task(slots.reserve_slot(CONTEXT))
    await asyncio.sleep(0.01)
    return reserved


async def test_task_that_waits_holds_no_slot() -> None:
    slots = TaskSlots(working=1, total=3)
    assert (await reserve(slots)).done()
    second = await reserve(slots)
    assert not second.done()
    assert slots.try_reserve_slot(CONTEXT) is None
    slots.wait()
    await asyncio.wait_for(second, 1)
    # The total is bounded as well.
    slots.wait()
    assert (await reserve(slots)).done()
    slots.wait()
    fourth = await reserve(slots)
    assert not fourth.done()
    slots.end_wait()
    slots.release_slot(cast(Any, None))
    await asyncio.wait_for(fourth, 1)


async def test_slot_is_released_from_another_thread() -> None:
    slots = TaskSlots(working=1)
    await reserve(slots)
    waiting = [await reserve(slots) for _ in range(3)]
    for number in range(3):
        await asyncio.to_thread(slots.release_slot, cast(Any, None))
        await asyncio.sleep(0.01)
        assert sum(reserved.done() for reserved in waiting) == number + 1


async def test_cancelled_reservation_takes_no_slot() -> None:
    slots = TaskSlots(working=1)
    await reserve(slots)
    cancelled = await reserve(slots)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    slots.release_slot(cast(Any, None))
    assert (await reserve(slots)).done()
