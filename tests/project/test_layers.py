"""Import rules that import-linter cannot check: cycles, and worker.py, which is a module and not a package."""

import ast
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]


def imported(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_worker_does_not_import_cli_or_sandbox() -> None:
    forbidden = {"kudo.cli", "kudo.devstack", "kudo.sandbox"}
    assert not [name for name in imported(ROOT / "worker.py") if ".".join(name.split(".")[:2]) in forbidden]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("kudo", "workflows", "activities")


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
    sources = [file for folder in ("kudo", "workflows", "activities") for file in (ROOT / folder).rglob("*.py")]
    long = {str(file): lines for file in sources if (lines := len(file.read_text().splitlines())) > 500}
    assert not long
