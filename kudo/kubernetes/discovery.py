"""Which kinds the API serves, and where."""

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from kudo.errors import KindNotFound, KudoError, ResourceValidationError
from kudo.kubernetes.connection import Connection
from kudo.kubernetes.failures import failure
from kudo.model.objects import ObjectRef


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """A kind that the API serves."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The path of all objects, of those of a namespace, or of one object."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        scope = f"/namespaces/{_segment(namespace)}" if self.namespaced and namespace else ""
        return "/".join(part for part in (f"{root}{scope}/{self.plural}", _segment(name), subresource) if part)

    def path_of(self, ref: ObjectRef, subresource: str = "") -> str:
        return self.path(ref.namespace, ref.name, subresource)


def _segment(name: str) -> str:
    """A name as one segment of a path, which the API decodes before it splits it. Raises ResourceValidationError."""
    if name in (".", "..") or "/" in name or "%" in name:
        raise ResourceValidationError(f"{name!r} cannot be the name of an object.")
    return quote(name, safe="")


class Discovery:
    """Knows the kinds of the API versions that were asked for; asks again for a kind that it does not know."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._kinds: dict[tuple[str, str], ResourceKind] = {}
        self._surveyed = False

    async def find(self, api_version: str, kind: str) -> ResourceKind:
        """Where a kind is served.

        Raises KindNotFound where it is not, which may change: a CustomResourceDefinition may be a second old.
        """
        if (api_version, kind) not in self._kinds:
            await self._load(api_version)
        found = self._kinds.get((api_version, kind))
        if found is None:
            others = await self._elsewhere(kind)
            hint = f"; it serves {kind} of {' and '.join(others)}, so the package has to be changed" if others else ""
            raise KindNotFound(f"the Kubernetes API at {self._connection.url} serves no {kind} of {api_version}{hint}")
        return found

    async def _elsewhere(self, kind: str) -> list[str]:
        """The versions that a kind is served in: what a package of some years ago names may have moved since."""
        if not self._surveyed:
            await self._survey()
        return sorted({found.api_version for found in self._kinds.values() if found.kind == kind})

    async def _survey(self) -> None:
        """Read the kinds of every group, once: tasks that delete ask for what is not there again and again."""
        answer = await self._connection.request("GET", "/apis")
        groups = answer.body.children("groups") if answer.ok else []
        for version in ("v1", *(group.text("preferredVersion", "groupVersion") for group in groups)):
            # An extension of the API that is away hides only its own kinds.
            with suppress(KudoError):
                await self._load(version)
        self._surveyed = answer.ok

    def forget(self, kind: ResourceKind) -> None:
        """Ask again the next time, because the API does not know it any more."""
        self._kinds.pop((kind.api_version, kind.kind), None)

    async def _load(self, api_version: str) -> None:
        path = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        answer = await self._connection.request("GET", path)
        if answer.code == 404:
            return
        if not answer.ok:
            raise failure(answer.code, answer.body, f"asking for the kinds of {api_version}")
        for resource in answer.body.children("resources"):
            name, kind = resource.text("name"), resource.text("kind")
            if "/" not in name:
                self._kinds[api_version, kind] = ResourceKind(api_version, kind, name, resource.flag("namespaced"))
