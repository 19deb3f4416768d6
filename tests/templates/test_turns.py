"""Turns for callers with keys."""

import asyncio
from collections.abc import Iterable

import pytest

from kudo.templates import Renderer, render_all
from kudo.templates.renderer import RENDERS_FOR
from kudo.templates.turns import Turns


async def order_of(turns: Turns, keys: Iterable[str]) -> list[str]:
    """Return the order in which callers get their turn that arrive together."""
    order: list[str] = []

    async def call(key: str) -> None:
        async with turns.turn(key):
            order.append(key)
            await asyncio.sleep(0)

    await asyncio.gather(*(call(key) for key in keys))
    return order


async def test_keys_take_turns() -> None:
    assert await order_of(Turns(1), "aaaaabbc") == list("aabcabaa")
    assert sorted(await order_of(Turns(3), "aaaabbbc")) == list("aaaabbbc")


async def test_turns_are_bounded_and_returned() -> None:
    turns, working, most = Turns(2), 0, 0

    async def call(number: int) -> None:
        nonlocal working, most
        async with turns.turn(str(number % 3)):
            working += 1
            most = max(most, working)
            await asyncio.sleep(0.001)
            working -= 1
            if number % 4 == 0:
                raise ValueError

    for _ in range(2):
        results = await asyncio.gather(*(call(number) for number in range(20)), return_exceptions=True)
        assert sum(isinstance(result, ValueError) for result in results) == 5
    assert most == 2


@pytest.mark.parametrize("given", [False, True], ids=["waiting", "with the turn"])
async def test_cancelled_caller_keeps_no_turn(given: bool) -> None:
    turns = Turns(1)
    async with turns.turn("a"):
        waiting = asyncio.create_task(order_of(turns, "b"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if not given:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await asyncio.wait_for(order_of(turns, "cc"), 1) == ["c", "c"]


async def test_instance_with_many_templates_does_not_hold_back_another() -> None:
    slow = {"a.yaml": "{% for a in range(1200) %}{% for b in range(1200) %}{% endfor %}{% endfor %}"}
    done: list[str] = []

    async def render(renderer: Renderer, instance: str) -> None:
        RENDERS_FOR.set(instance)
        await renderer.run("templates/a.yaml", render_all, "kudo.dev/v1", slow, {})
        done.append(instance)

    async with Renderer(processes=1) as renderer:
        await asyncio.gather(*(render(renderer, name) for name in ["large"] * 12 + ["small"]))
    assert "small" in done[:3]
