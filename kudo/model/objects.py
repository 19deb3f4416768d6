"""Typed access to Kubernetes objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from kudo.model.base import Manifest


class ObjectRef(NamedTuple):
    """The identity of an object in a cluster; `namespace` is empty for cluster-scoped objects."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def qualified_kind(self) -> str:
        """The kind with its group, such as `ClusterRole.rbac.authorization.k8s.io`; without one in the core group."""
        group = self.api_version.rpartition("/")[0]
        return f"{self.kind}.{group}" if group else self.kind


@dataclass(frozen=True, slots=True)
class Object:
    """A Kubernetes object, or a part of one; a missing field, or one of another type, reads as the default."""

    manifest: Manifest

    def _at(self, path: tuple[str, ...]) -> Any:
        value: Any = self.manifest
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def text(self, *path: str, default: str = "") -> str:
        """Return the string at a path."""
        value = self._at(path)
        return value if isinstance(value, str) else default

    def integer(self, *path: str, default: int = 0) -> int:
        """Return the integer at a path."""
        value = self._at(path)
        return value if isinstance(value, int) and not isinstance(value, bool) else default

    def flag(self, *path: str) -> bool:
        """Return whether the value at a path is true."""
        return self._at(path) is True

    def has(self, *path: str) -> bool:
        """Return whether there is a value at a path."""
        return self._at(path) is not None

    def child(self, *path: str) -> "Object":
        """Return the mapping at a path; empty if there is none."""
        value = self._at(path)
        return Object(value if isinstance(value, dict) else {})

    def children(self, *path: str) -> list["Object"]:
        """Return the mappings in the list at a path."""
        value = self._at(path)
        return [Object(item) for item in value if isinstance(item, dict)] if isinstance(value, list) else []

    def strings(self, *path: str) -> dict[str, str]:
        """Return the strings of the mapping at a path, such as labels."""
        return {key: value for key, value in self.child(*path).manifest.items() if isinstance(value, str)}

    @property
    def api_version(self) -> str:
        return self.text("apiVersion")

    @property
    def kind(self) -> str:
        return self.text("kind")

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        group, slash, _ = self.api_version.partition("/")
        return group if slash else ""

    @property
    def name(self) -> str:
        return self.text("metadata", "name")

    @property
    def namespace(self) -> str:
        return self.text("metadata", "namespace")

    @property
    def uid(self) -> str:
        return self.text("metadata", "uid")

    @property
    def resource_version(self) -> str:
        return self.text("metadata", "resourceVersion")

    @property
    def labels(self) -> dict[str, str]:
        return self.strings("metadata", "labels")

    @property
    def annotations(self) -> dict[str, str]:
        return self.strings("metadata", "annotations")

    @property
    def terminating(self) -> bool:
        """Whether the object is being deleted: it has a deletion timestamp."""
        return self.has("metadata", "deletionTimestamp")

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef(self.api_version, self.kind, self.namespace, self.name)

    def identity(self) -> "Object":
        """Return the same object without anything but what identifies it and its version."""
        kept = ("namespace", "name", "uid", "resourceVersion")
        metadata = {name: value for name in kept if (value := self.text("metadata", name))}
        return Object.of(self.api_version, self.kind, metadata)

    def condition(self, kind: str) -> "Object":
        """Return the status condition of this type; empty if there is none."""
        for condition in self.children("status", "conditions"):
            if condition.text("type") == kind:
                return condition
        return Object({})

    @classmethod
    def of(cls, api_version: str, kind: str, metadata: Manifest, **fields: Any) -> Self:
        """Create an object."""
        return cls({"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields})
