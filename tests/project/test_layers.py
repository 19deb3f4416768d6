"""Import rules that import-linter cannot check: circles, and worker.py, which is a module and not a package."""

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
    above = {"kudo.cli", "kudo.devstack", "kudo.sandbox"}
    assert not [name for name in imported(ROOT / "worker.py") if ".".join(name.split(".")[:2]) in above]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("kudo", "workflows", "activities")


def test_modules_import_no_circle(graph: grimp.ImportGraph) -> None:
    assert not circles(graph)


def test_circle_is_found() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")):
        graph.add_import(importer=importer, imported=imported)
    assert circles(graph) == [{"a", "b", "c"}]


def circles(graph: grimp.ImportGraph) -> list[set[str]]:
    """The groups of modules that import each other, directly or not; a package's modules are not its imports."""
    reach = {module: graph.find_downstream_modules(module) for module in graph.modules}
    groups = {
        frozenset({module, *(other for other in below if module in reach[other])}) for module, below in reach.items()
    }
    return [set(group) for group in groups if len(group) > 1]


def test_no_module_has_more_than_500_lines() -> None:
    sources = [file for folder in ("kudo", "workflows", "activities") for file in (ROOT / folder).rglob("*.py")]
    long = {str(file): lines for file in sources if (lines := len(file.read_text().splitlines())) > 500}
    assert not long
