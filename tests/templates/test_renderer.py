"""Rendering in processes of its own: bounds, and a pool that outlives what breaks them."""

from collections.abc import AsyncIterator

import pytest

from kudo.errors import TaskRenderingError
from kudo.templates import Renderer, render_all

JINJA, GO = "kudo.dev/v1", "kudo.dev/v1beta1"


@pytest.fixture(scope="module")
async def impatient() -> AsyncIterator[Renderer]:
    """A renderer with little time and memory."""
    async with Renderer(processes=1, timeout=1.5, memory=512 * 1024 * 1024) as renderer:
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
async def test_what_takes_for_ever_is_stopped(impatient: Renderer, dialect: str, source: str) -> None:
    with pytest.raises(TaskRenderingError) as error:
        await impatient.run(
            "templates/a.yaml, templates/b.yaml", render_all, dialect, {"a.yaml": source, "b.yaml": "b"}, {}
        )
    assert str(error.value) == "templates/a.yaml, templates/b.yaml: took longer than 1.5 s to render"
    assert await still_works(impatient)


@pytest.mark.parametrize(
    "source", ["{{ 'a' * 3000000000 }}", "{{ '{:9999999999}'.format(1) }}", "{{ [1] * 999999999 }}"]
)
async def test_what_needs_too_much_memory_is_stopped(impatient: Renderer, source: str) -> None:
    with pytest.raises(TaskRenderingError) as error:
        await impatient.run("templates/a.yaml", render_all, JINJA, {"a.yaml": source}, {})
    assert str(error.value) == "templates/a.yaml: needed more than 512 MiB to render"
    assert await still_works(impatient)


@pytest.mark.parametrize(
    ("dialect", "source"),
    [
        (GO, '{{ repeat 5000000 "a" }}'),
        (GO, "{{ until 999999999 }}"),
        (JINJA, "{% set x = 'a' * 50000000 %}{% for a in range(99999) %}{{ x }}{% endfor %}"),
    ],
)
async def test_what_writes_too_much_is_stopped(impatient: Renderer, dialect: str, source: str) -> None:
    with pytest.raises(TaskRenderingError):
        await impatient.run("templates/a.yaml", render_all, dialect, {"a.yaml": source}, {})
    assert await still_works(impatient)


@pytest.mark.parametrize(("dialect", "source"), [(JINJA, "a\n{{ Typo }}"), (GO, "a\n{{ .Typo }}")])
async def test_errors_of_templates_come_through(renderer: Renderer, dialect: str, source: str) -> None:
    with pytest.raises(TaskRenderingError) as error:
        await renderer.run("templates/a.yaml", render_all, dialect, {"a.yaml": source}, {})
    assert str(error.value) == "templates/a.yaml:2: 'Typo' is undefined"
    assert await still_works(renderer)


async def test_nothing_to_render(renderer: Renderer) -> None:
    assert await renderer.run("templates/a.yaml", render_all, JINJA, {}, {}) == {}


async def test_order_of_templates_is_kept(renderer: Renderer) -> None:
    sources = {f"{number}.yaml": f"{number}: {{{{ Name }}}}" for number in (3, 1, 2)}
    rendered = await renderer.run("templates/a.yaml", render_all, JINJA, sources, {"Name": "é"})
    assert list(rendered.items()) == [("3.yaml", "3: é"), ("1.yaml", "1: é"), ("2.yaml", "2: é")]
