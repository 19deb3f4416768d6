"""Discovery: the kinds that the API serves, and their paths."""

import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from kudo.errors import KindNotFound, KindServedElsewhere, KudoError, ResourceValidationError
from kudo.kubernetes.connection import Connection
from kudo.kubernetes.failures import failure
from kudo.model.objects import ObjectRef

_API_VERSION = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9][a-z0-9]*")
"""An API version, which becomes part of a path; the version of a group is a DNS label, in practice such as v1beta1."""


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """A kind that the API serves."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of all objects, of those of a namespace, or of one object."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        scope = f"/namespaces/{_segment(namespace)}" if self.namespaced and namespace else ""
        return "/".join(part for part in (f"{root}{scope}/{self.plural}", _segment(name), subresource) if part)

    def path_of(self, ref: ObjectRef, subresource: str = "") -> str:
        return self.path(ref.namespace, ref.name, subresource)


def _may_replace(served: str, wanted: str) -> bool:
    """Whether an API version may have replaced another: of the same group, or of another one of Kubernetes."""
    groups = [version.rpartition("/")[0] for version in (served, wanted)]
    return groups[0] == groups[1] or all("." not in group or group.endswith(".k8s.io") for group in groups)


def _segment(name: str) -> str:
    """Return a name as a path segment; the API decodes paths before it splits them. Raises ResourceValidationError."""
    if name in (".", "..") or "/" in name or "%" in name:
        raise ResourceValidationError(f"{name!r} cannot be the name of an object.")
    return quote(name, safe="")


class Discovery:
    """A cache of served kinds, by API version; it reads a version again for a kind that it does not have."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._kinds: dict[tuple[str, str], ResourceKind] = {}
        self._surveyed = False
        self._preferred: list[str] = []

    async def find(self, api_version: str, kind: str) -> ResourceKind:
        """Return a served kind.

        Raises KindNotFound if the API does not serve it, which is transient: its CustomResourceDefinition may be new;
        KindServedElsewhere if it serves the kind in another version of the group, or in another group of Kubernetes;
        ResourceValidationError if the API version is malformed.
        """
        if not _API_VERSION.fullmatch(api_version) or ".." in api_version:
            raise ResourceValidationError(f"{api_version!r} is not an apiVersion; {kind} cannot be looked up.")
        if (api_version, kind) not in self._kinds:
            await self._load(api_version)
        found = self._kinds.get((api_version, kind))
        if found is None:
            others = await self._elsewhere(kind)
            replaced = any(_may_replace(other, api_version) for other in others)
            hint = (
                f"; it serves {kind} in {' and '.join(others)}, so change the apiVersion in the package"
                if others
                else ""
            )
            if replaced:
                hint += ", or install it with --rewrite-api-versions"
            raise (KindServedElsewhere if replaced else KindNotFound)(
                f"the Kubernetes API at {self._connection.url} does not serve {kind} of {api_version}{hint}"
            )
        return found

    async def kinds(self) -> list[ResourceKind]:
        """Return all kinds that the API serves, each in the preferred version of its group."""
        await self._survey()
        preferred = {"v1", *self._preferred}
        return [kind for kind in self._kinds.values() if kind.api_version in preferred]

    async def _elsewhere(self, kind: str) -> list[str]:
        """Return the API versions that serve a kind: kinds move, and an old package names an old version."""
        if not self._surveyed:
            await self._survey()
        return sorted({found.api_version for found in self._kinds.values() if found.kind == kind})

    async def _survey(self) -> None:
        """Read the kinds of every group, once: Delete tasks look up kinds that are not served again and again."""
        answer = await self._connection.request("GET", "/apis")
        groups = answer.body.children("groups") if answer.ok else []
        self._preferred = [group.text("preferredVersion", "groupVersion") for group in groups]
        for version in ("v1", *self._preferred):
            # If an aggregated API is unavailable, only its own kinds are missing.
            with suppress(KudoError):
                await self._load(version)
        self._surveyed = answer.ok

    def forget(self, kind: ResourceKind) -> None:
        """Drop a kind that the API no longer serves from the cache."""
        self._kinds.pop((kind.api_version, kind.kind), None)

    async def _load(self, api_version: str) -> None:
        path = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        answer = await self._connection.request("GET", path)
        if answer.code == 404:
            return
        if not answer.ok:
            raise failure(answer.code, answer.body, f"reading the kinds of {api_version}")
        for resource in answer.body.children("resources"):
            name, kind = resource.text("name"), resource.text("kind")
            if "/" not in name:
                self._kinds[api_version, kind] = ResourceKind(api_version, kind, name, resource.flag("namespaced"))
