"""Files in the containers of a cluster that runs no containers."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Files:
    """The files of every container. Before the first `put`, every requested file exists."""

    folder: Path | None
    """The folder that a control plane reads; None for the sandbox, whose pods have the files in an annotation."""
    contents: dict[str, bytes] = field(default_factory=dict)

    def put(self, path: str, content: bytes) -> None:
        """Add a file to every container."""
        self.contents[path] = content
        if self.folder:
            file = self.folder / path.removeprefix("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    @property
    def annotations(self) -> dict[str, str]:
        """Annotations that give a pod of the sandbox these files."""
        if self.folder or not self.contents:
            return {}
        return {"sandbox.kudo.dev/files": yaml.safe_dump(self.contents)}
