"""Files in the containers of a cluster where nothing runs."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Files:
    """The files that there are in every container; before one is put there, there is any that is asked for."""

    folder: Path | None
    """Where a control plane looks for them; None for the sandbox, whose pods have them in an annotation."""
    contents: dict[str, bytes] = field(default_factory=dict)

    def put(self, path: str, content: bytes) -> None:
        """Have a file there."""
        self.contents[path] = content
        if self.folder:
            file = self.folder / path.removeprefix("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    @property
    def annotations(self) -> dict[str, str]:
        """What a pod needs to have them."""
        if self.folder or not self.contents:
            return {}
        return {"sandbox.kudo.dev/files": yaml.safe_dump(self.contents)}
