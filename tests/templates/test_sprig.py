"""Random expressions over the functions of Sprig, compared with KUDO's engine: Go's templates with Sprig 2.22.

`make control-plane` builds that engine. Where it renders an expression, ours renders the same bytes; where it reports
an error, ours may accept more: it does not tell Go's integer types apart.
"""

import json
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import JsonValue
from support.expressions import VALUES, Expressions

from kudo.errors import TaskRenderingError
from kudo.templates import engine_for
from kudo.templates.gofunctions import go_functions

ENGINE = Path(__file__).parents[1] / "go-engine" / "bin" / "engine"

pytestmark = [
    pytest.mark.control_plane,
    pytest.mark.skipif(not ENGINE.exists(), reason="KUDO's engine is not built: run `make control-plane`"),
]

EXPRESSIONS = 5_000
SEEDS = (1, 2, 3, 4)

OURS = engine_for("kudo.dev/v1beta1")

KNOWN = {
    "versions of the library differ for capitals and digits beside signs": r"\b(kebab|snake|camel)case\b",
    "Go iterates over a map in any order": r"\b(keys|values)\b",
    "nil inside of a value is printed in another way": r"\bnil\b|MIXED 3|\bcoalesce\b|print|\bslice\b",
    "a merge in Go drops nil": r"\bmerge",
    "Go compares a nil list with an empty one": r"\b(ne|eq) .*(concat|NONE|list\))",
    "Go takes a brace without a number in a regular expression for itself": r"\bregex\w+ \(",
    "Go takes 1e3 for an integer": r"\b1e3\b",
    "Go names the exact type": r"\b(typeOf|typeIs|typeIsLike|kindOf|kindIs)\b",
}
"""Expressions whose results may differ, with the reason."""


class KudosEngine:
    """KUDO's engine, in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([ENGINE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def render(self, template: str, values: JsonValue) -> str | None:
        """Return a rendered template; None if KUDO reports an error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"template": template, "values": values}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return None if answer["error"] else str(answer["text"])

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def kudos() -> Iterator[KudosEngine]:
    engine = KudosEngine()
    yield engine
    engine.close()


def test_all_functions_of_kudo_exist() -> None:
    names = set(json.loads(subprocess.run([ENGINE, "names"], capture_output=True, check=True).stdout))
    removed_by_kudo = {"env", "expandenv", "base", "dir", "clean", "ext", "isAbs"}
    assert names - removed_by_kudo - go_functions().keys() == {"getHostByName"}


@pytest.mark.parametrize("seed", SEEDS)
def test_random_expression_renders_as_in_kudo(kudos: KudosEngine, seed: int) -> None:
    expressions = Expressions(random.Random(seed), go_functions())
    compared, different = 0, []
    for _ in range(EXPRESSIONS):
        template = expressions.template()
        theirs = kudos.render(template, VALUES)
        if theirs is None:
            continue
        compared += 1
        try:
            ours = OURS.render("t", template, VALUES)
        except TaskRenderingError as error:
            ours = f"error: {error}"
        if ours != theirs and not any(re.search(pattern, template) for pattern in KNOWN.values()):
            different.append((template, theirs, ours))
    assert compared > EXPRESSIONS / 3
    assert not different, "\n".join(map(str, different[:10]))
