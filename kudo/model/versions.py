"""Versions of packages: semantic versions, of which minor and patch may be missing."""

from functools import total_ordering

from semver import Version


@total_ordering
class PackageVersion:
    """A comparable version; a text that is not a semantic version is older than every semantic version."""

    def __init__(self, text: str) -> None:
        self._version = _parse(text)

    @property
    def valid(self) -> bool:
        """Whether the text is a semantic version."""
        return self._version is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackageVersion) and self._version == other._version

    def __lt__(self, other: "PackageVersion") -> bool:
        if self._version is None or other._version is None:
            return self._version is None and other._version is not None
        return self._version < other._version

    def __hash__(self) -> int:
        return hash(self._version)


def _parse(text: str) -> Version | None:
    try:
        return Version.parse(text.removeprefix("v"), optional_minor_and_patch=True)
    except ValueError:
        return None
