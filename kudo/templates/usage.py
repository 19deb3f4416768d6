"""The use of a variable in a template, found without rendering it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """A variable that a template uses, such as ("Params", "SIZE"), or ("Params",) if it uses the whole map."""

    path: tuple[str, ...]
    line: int
    certain: bool = True
    """Whether the path surely starts at the variables of the template, not at a dot that `range` or `with` changed."""
    tested: bool = False
    """Whether it is tested for truth; every string that is not empty is true, even "false"."""
