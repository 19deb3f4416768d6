"""The version: `kudo/__init__.py` defines it, and everything else that names it agrees."""

import re
from importlib import metadata
from pathlib import Path

from kudo import __version__

ROOT = Path(__file__).parents[2]


def test_version_is_major_minor_patch() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_installed_distribution_has_the_version() -> None:
    assert metadata.version("kudo-temporal") == __version__


def test_changelog_has_a_section_for_the_version() -> None:
    assert re.search(rf"^## \[?{re.escape(__version__)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
