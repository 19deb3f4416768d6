"""What a template uses of what it is given, found without rendering it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """A variable that a template uses, such as ("Params", "SIZE"), or ("Params",) where it takes all of them."""

    path: tuple[str, ...]
    line: int
    certain: bool = True
    """Whether it is surely what the template is given, and no part of something else."""
    asked: bool = False
    """Whether it is asked if it is true; every string that is not empty is, "false" too."""
