"""Rendering in separate processes: the limits, and the pool after a template has exceeded them."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pebble.pool.process as pebble_process
import pytest

from kudo.errors import RendererDied, RendererUnavailable, TaskRenderingError
from kudo.templates import Renderer, render_all

JINJA, GO = "kudo.dev/v1", "kudo.dev/v1beta1"


@pytest.fixture(scope="module")
async def limited_renderer() -> AsyncIterator[Renderer]:
    """A renderer with a short timeout and little memory."""
    async with Renderer(processes=1, timeout=3, memory=512 * 1024 * 1024) as renderer:
        yield renderer


async def still_works(renderer: Renderer) -> bool:
    for dialect, source in ((JINJA, "{{ Name }}"), (GO, "{{ .Name }}")):
        for _ in range(2):
            assert await renderer.run(
                "templates/a.yaml", render_all, dialect, {"a.yaml": source}, {"Name": "test"}
            ) == {"a.yaml": "test"}
    return True


@pytest.mark.parametrize(
    ("dialect", "source"),
    [
        (JINJA, "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"),
        (JINJA, "{{ 9 ** (9 ** 9) }}"),
        (GO, '{{ range until 100000 }}{{ bcrypt "a" }}{{ end }}'),
    ],
)
async def test_template_above_the_timeout_is_stopped(limited_renderer: Renderer, dialect: str, source: str) -> None:
    with pytest.raises(TaskRenderingError) as error:
        await limited_renderer.run(
            "templates/a.yaml, templates/b.yaml", render_all, dialect, {"a.yaml": source, "b.yaml": "b"}, {}
        )
    assert str(error.value) == "templates/a.yaml, templates/b.yaml: took longer than 3 s to render"
    assert await still_works(limited_renderer)


@pytest.mark.parametrize(
    "source", ["{{ 'a' * 3000000000 }}", "{{ '{:9999999999}'.format(1) }}", "{{ [1] * 999999999 }}"]
)
async def test_template_above_the_memory_limit_is_stopped(limited_renderer: Renderer, source: str) -> None:
    with pytest.raises(TaskRenderingError) as error:
        await limited_renderer.run("templates/a.yaml", render_all, JINJA, {"a.yaml": source}, {})
    assert str(error.value) == "templates/a.yaml: needed more than 512 MiB to render"
    assert await still_works(limited_renderer)


@pytest.mark.parametrize(
    ("dialect", "source"),
    [
        (GO, '{{ repeat 5000000 "a" }}'),
        (GO, "{{ until 999999999 }}"),
        (JINJA, "{% set x = 'a' * 50000000 %}{% for a in range(99999) %}{{ x }}{% endfor %}"),
    ],
)
async def test_template_with_too_much_output_is_stopped(limited_renderer: Renderer, dialect: str, source: str) -> None:
    with pytest.raises(TaskRenderingError):
        await limited_renderer.run("templates/a.yaml", render_all, dialect, {"a.yaml": source}, {})
    assert await still_works(limited_renderer)


@pytest.mark.parametrize(("dialect", "source"), [(JINJA, "a\n{{ Typo }}"), (GO, "a\n{{ .Typo }}")])
async def test_template_error_is_raised(renderer: Renderer, dialect: str, source: str) -> None:
    with pytest.raises(TaskRenderingError) as error:
        await renderer.run("templates/a.yaml", render_all, dialect, {"a.yaml": source}, {})
    assert str(error.value) == "templates/a.yaml:2: 'Typo' is undefined"
    assert await still_works(renderer)


def exit_process() -> None:
    os._exit(9)


async def test_killed_process_is_reported_and_replaced(limited_renderer: Renderer) -> None:
    with pytest.raises(RendererDied, match=r"^templates/a\.yaml: the rendering process was killed$"):
        await limited_renderer.run("templates/a.yaml", exit_process)
    assert await still_works(limited_renderer)


async def test_pool_that_cannot_start_a_process_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has no process left when a renderer has to be replaced may have some later."""
    async with Renderer(processes=1) as renderer:
        assert await still_works(renderer)
        launch, failed = pebble_process.launch_process, []

        def refuse(*args: Any, **options: Any) -> Any:
            failed.append(args)
            raise BlockingIOError("Resource temporarily unavailable")

        monkeypatch.setattr(pebble_process, "launch_process", refuse)
        with pytest.raises(RendererDied):
            await renderer.run("templates/a.yaml", exit_process)
        for _ in range(3):
            with pytest.raises(RendererUnavailable, match=r"^templates/a\.yaml: no rendering process could be started"):
                await asyncio.wait_for(renderer.run("templates/a.yaml", len, []), 30)
        assert failed
        monkeypatch.setattr(pebble_process, "launch_process", launch)
        assert await still_works(renderer)


async def test_no_templates_render_to_an_empty_result(renderer: Renderer) -> None:
    assert await renderer.run("templates/a.yaml", render_all, JINJA, {}, {}) == {}


async def test_order_of_templates_is_kept(renderer: Renderer) -> None:
    sources = {f"{number}.yaml": f"{number}: {{{{ Name }}}}" for number in (3, 1, 2)}
    rendered = await renderer.run("templates/a.yaml", render_all, JINJA, sources, {"Name": "é"})
    assert list(rendered.items()) == [("3.yaml", "3: é"), ("1.yaml", "1: é"), ("2.yaml", "2: é")]
