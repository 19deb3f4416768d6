"""Rules of modules that import-linter cannot check."""

import os
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("kudo")


def test_imports_have_no_cycle(graph: grimp.ImportGraph) -> None:
    assert not import_cycles(graph)


def test_import_cycle_is_found() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")):
        graph.add_import(importer=importer, imported=imported)
    assert import_cycles(graph) == [{"a", "b", "c"}]


def import_cycles(graph: grimp.ImportGraph) -> list[set[str]]:
    """Return the groups of modules that import each other, directly or not; a package does not import its modules."""
    reach = {module: graph.find_downstream_modules(module) for module in graph.modules}
    groups = {
        frozenset({module, *(other for other in below if module in reach[other])}) for module, below in reach.items()
    }
    return [set(group) for group in groups if len(group) > 1]


def test_no_module_has_more_than_500_lines() -> None:
    sources = [Path(parent, name) for parent, _, names in os.walk(ROOT / "kudo", followlinks=True) for name in names]
    long = {
        str(file): lines
        for file in sources
        if file.suffix == ".py" and (lines := len(file.read_text().splitlines())) > 500
    }
    assert not long
