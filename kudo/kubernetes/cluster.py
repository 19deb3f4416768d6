"""A Kubernetes cluster: read, apply, create, patch and delete objects."""

import builtins
import copy
import hashlib
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from kudo.errors import AccessDenied, ConflictError, KindNotFound, ResourceValidationError
from kudo.kubernetes.connection import APPLY_PATCH, MERGE_PATCH, Answer, Connection
from kudo.kubernetes.discovery import Discovery, ResourceKind
from kudo.kubernetes.dry_run_twin import dry_run_twin
from kudo.kubernetes.exclusive_fields import displace, displaced, field_paths, without_wanted
from kudo.kubernetes.exec import Execution, execute
from kudo.kubernetes.failures import failure
from kudo.kubernetes.field_ownership import (
    FIELD_MANAGER,
    conflicts,
    is_scaled_by,
    may_be_scaled,
    take_over,
    take_over_fields,
    with_replicas,
)
from kudo.kubernetes.informers import SharedInformers
from kudo.model.base import Manifest
from kudo.model.objects import Object, ObjectRef

_TRIES = 10
"""Attempts to take over fields in one apply; the next apply continues if they do not suffice."""


class Cluster:
    """A Kubernetes cluster; an async context manager. Every method may raise the errors of `failures`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._discovery = Discovery(connection)
        self._confined_to: str | None = None
        self._cluster_scoped: Container[str] | None = None
        self.informers = SharedInformers(connection)

    @classmethod
    async def connect(cls, context: str | None = None, kubeconfig: Path | None = None) -> Self:
        """Connect to a context of the kubeconfig, or as the pod of this process. Raises ConfigurationError."""
        return cls(await Connection.open(context, kubeconfig))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.informers.close()
        await self._connection.__aexit__()

    def within(self, namespace: str, cluster_scoped: Container[str] | None = None) -> Self:
        """Return this cluster, confined to a namespace and to some cluster-scoped kinds, by default to all.

        It raises ResourceValidationError for an object of a namespaced kind with another namespace, or with none,
        before it sends a request about one, and before it writes an object of a cluster-scoped kind that is not in
        `cluster_scoped` (as `KIND` or `KIND.GROUP`). It shares the connection, which only the original closes.
        """
        confined = copy.copy(self)
        confined._confined_to = namespace
        confined._cluster_scoped = cluster_scoped
        return confined

    def _path(self, kind: ResourceKind, ref: ObjectRef, subresource: str = "") -> str:
        """Return the path of one object, after `_require_allowed`."""
        self._require_allowed(kind, ref)
        return kind.path_of(ref, subresource)

    def _require_allowed(self, kind: ResourceKind, ref: ObjectRef) -> None:
        """Raise ResourceValidationError for an object without a name or out of bounds: the last check of a request."""
        if not ref.name:
            raise ResourceValidationError(f"{kind.kind} without a name is refused: its path is that of all objects.")
        if kind.namespaced and self._confined_to is not None and ref.namespace != self._confined_to:
            where = f"in the namespace {ref.namespace}" if ref.namespace else "without a namespace"
            raise ResourceValidationError(
                f"{kind.kind} {ref.name} {where} is refused: the plan may use only the namespace {self._confined_to}."
            )

    def _require_writable(self, kind: ResourceKind, ref: ObjectRef) -> None:
        """Raise ResourceValidationError for an object that must not be written."""
        self._require_allowed(kind, ref)
        if kind.namespaced or self._confined_to is None or self._cluster_scoped is None:
            return
        if ref.qualified_kind not in self._cluster_scoped:
            raise ResourceValidationError(
                f"{kind.kind} {ref.name} is refused: {ref.qualified_kind} is not one of the cluster-scoped kinds that "
                "plans of this worker may write (KUDO_CLUSTER_SCOPED_KINDS)."
            )

    @property
    def url(self) -> str:
        """The address of the API."""
        return self._connection.url

    @property
    def namespace(self) -> str:
        """The namespace to use by default."""
        return self._connection.namespace

    async def is_ready(self) -> bool:
        """Whether the API server reports that it is ready."""
        return (await self._connection.request("GET", "/readyz")).ok

    async def version(self) -> str:
        """Return the version of the API server, such as v1.35.0."""
        answer = await self._connection.request("GET", "/version")
        if not answer.ok:
            raise failure(answer.code, answer.body, "reading the version")
        return answer.body.text("gitVersion")

    async def kind_of(self, ref: ObjectRef) -> ResourceKind:
        """Return the served kind of an object. Raises KindNotFound."""
        return await self._discovery.find(ref.api_version, ref.kind)

    async def cluster_scoped_kinds(self) -> builtins.list[ResourceKind]:
        """Return the cluster-scoped kinds that the API serves, each in the preferred version of its group."""
        return [kind for kind in await self._discovery.kinds() if not kind.namespaced]

    async def namespaced(self, item: Object) -> bool:
        """Whether the kind of an object is namespaced. Raises KindNotFound."""
        return (await self.kind_of(item.ref)).namespaced

    async def find(self, ref: ObjectRef) -> Object | None:
        """Like `get`, but None for a kind that the API does not serve."""
        try:
            return await self.get(ref)
        except KindNotFound:
            return None

    async def get(self, ref: ObjectRef) -> Object | None:
        """Read an object; None if it does not exist."""
        kind = await self.kind_of(ref)
        answer = await self._connection.request("GET", self._path(kind, ref))
        if answer.code == 404:
            return None
        return self._checked(kind, answer.code, answer.body, f"reading {ref}")

    async def list(
        self, api_version: str, kind: str, namespace: str = "", labels: str = "", fields: str = ""
    ) -> list[Object]:
        """List the objects of a kind in one namespace, or in all, that match a label and a field selector."""
        resource = await self._discovery.find(api_version, kind)
        query = {"labelSelector": labels, "fieldSelector": fields}
        query = {name: selector for name, selector in query.items() if selector}
        answer = await self._connection.request("GET", resource.path(namespace), query=query)
        body = self._checked(resource, answer.code, answer.body, f"listing {resource.plural}")
        # The items of a list have no apiVersion and kind.
        return [Object({"apiVersion": api_version, "kind": kind, **item.manifest}) for item in body.children("items")]

    async def apply(self, item: Object) -> Object:
        """Apply an object server-side.

        It takes fields over from other managers, except replicas that an autoscaler sets. It also takes over the fields
        that KUDO applied client-side, so that those that the manifest no longer sets are removed, and those that
        exclude fields of the manifest.
        """
        kind = await self.kind_of(item.ref)
        item, answer = await self._apply_over_others(kind, item)
        for _ in range(_TRIES):
            patch = await self._take_over(item, answer)
            if patch is None:
                break
            # Others may write the object meanwhile, above all its controller.
            with suppress(ConflictError):
                await self.patch(item.ref, patch)
            answer = await self._apply(kind, item, force=True)
        return self._checked(kind, answer.code, answer.body, f"applying {item.ref}")

    async def _take_over(self, item: Object, answer: Answer) -> Manifest | None:
        """Return the patch that takes over fields after an apply, so that the next one removes them; None without any.

        They are fields that KUDO applied client-side, or those that exclude the manifest's, which the API rejected.
        """
        if answer.ok:
            return take_over(answer.body)
        if answer.code != 422 or (live := await self.get(item.ref)) is None:
            return None
        return take_over_fields(live, field_paths(displaced(item, live), live))

    async def dry_run_apply(self, item: Object) -> Object:
        """Return the object that `apply` would result in, by a dry run of the API."""
        kind = await self.kind_of(item.ref)
        item, answer = await self._apply_over_others(kind, item, dry_run=True)
        if answer.code == 422 and (live := await self.get(item.ref)) and (fields := displaced(item, live)):
            # A dry run cannot build on another one, so the rest is applied, and the rejected fields are added.
            answer = await self._apply(kind, without_wanted(item, fields), force=True, dry_run=True)
            return displace(self._checked(kind, answer.code, answer.body, f"applying {item.ref}"), fields)
        return self._checked(kind, answer.code, answer.body, f"applying {item.ref}")

    async def _apply_over_others(
        self, kind: ResourceKind, item: Object, *, dry_run: bool = False
    ) -> tuple[Object, Answer]:
        """Apply an object, over conflicts; return it too, without replicas if an autoscaler sets them."""
        answer = await self._apply(kind, item, force=False, dry_run=dry_run)
        if answer.code == 409 and (found := conflicts(answer.body)):
            if ".spec.replicas" in found and await self._is_scaled(item):
                item = with_replicas(item, None)
            answer = await self._apply(kind, item, force=True, dry_run=dry_run)
        return item, answer

    async def _apply(self, kind: ResourceKind, item: Object, *, force: bool, dry_run: bool = False) -> Answer:
        self._require_writable(kind, item.ref)
        query = {"fieldManager": FIELD_MANAGER, "force": str(force).lower()}
        return await self._connection.request(
            "PATCH",
            self._path(kind, item.ref),
            query={**query, "dryRun": "All"} if dry_run else query,
            body=item.manifest,
            content_type=APPLY_PATCH,
        )

    async def create(self, item: Object) -> Object:
        """Create an object. Raises ConflictError if it exists."""
        kind = await self.kind_of(item.ref)
        self._require_writable(kind, item.ref)
        path, query = kind.path(item.namespace), {"fieldManager": FIELD_MANAGER}
        answer = await self._connection.request("POST", path, query=query, body=item.manifest)
        return self._checked(kind, answer.code, answer.body, f"creating {item.ref}")

    async def as_scaled(self, item: Object, live: Object) -> Object:
        """Return the object with the replicas of the live one, if an autoscaler sets them."""
        return with_replicas(item, live.integer("spec", "replicas")) if await self._is_scaled(item) else item

    async def _is_scaled(self, item: Object) -> bool:
        """Whether an autoscaler sets the replicas of an object; false without permission to list autoscalers."""
        if not may_be_scaled(item):
            return False
        try:
            found = await self.list("autoscaling/v2", "HorizontalPodAutoscaler", item.namespace)
        except (AccessDenied, KindNotFound):
            return False
        return is_scaled_by(item, found)

    async def require_creatable(self, item: Object) -> None:
        """Raise the error of the API if it would reject a new object like this one."""
        kind = await self.kind_of(item.ref)
        answer = await self._apply(kind, dry_run_twin(item), force=True, dry_run=True)
        # The existing object may use up a quota that suffices for one.
        if not (answer.code == 403 and "exceeded quota" in answer.body.text("message")):
            self._checked(kind, answer.code, answer.body, f"recreating {item.ref}")

    async def delete(
        self,
        ref: ObjectRef,
        *,
        uid: str = "",
        propagation: Literal["Foreground", "Background", "Orphan"] = "Foreground",
    ) -> None:
        """Delete an object, if it exists with this `uid`; by default, the objects that it owns are deleted first."""
        kind = await self.kind_of(ref)
        self._require_writable(kind, ref)
        body: Manifest = {"propagationPolicy": propagation}
        if uid:
            body["preconditions"] = {"uid": uid}
        answer = await self._connection.request("DELETE", self._path(kind, ref), body=body)
        gone = answer.code == 404 or (uid and answer.code == 409)
        if not gone:
            self._checked(kind, answer.code, answer.body, f"deleting {ref}")

    async def patch(
        self,
        ref: ObjectRef,
        patch: Manifest,
        subresource: Literal["", "status"] = "",
    ) -> Object | None:
        """Apply a merge patch to an object or its status; None if the object does not exist."""
        kind = await self.kind_of(ref)
        self._require_writable(kind, ref)
        answer = await self._connection.request(
            "PATCH",
            self._path(kind, ref, subresource),
            query={"fieldManager": FIELD_MANAGER},
            body=patch,
            content_type=MERGE_PATCH,
        )
        if answer.code == 404:
            return None
        return self._checked(kind, answer.code, answer.body, f"patching {ref}")

    async def execute(self, pod: ObjectRef, container: str, command: Sequence[str], limit: int) -> Execution:
        """Run a command in a container until it ends, or until its output exceeds `limit` bytes."""
        path = self._path(await self.kind_of(pod), pod, "exec")
        return await execute(self._connection, path, container, command, limit)

    async def log(self, pod: ObjectRef, container: str, lines: int, *, previous: bool = False) -> str:
        """Return the last lines of the log of a container, or of its previous run."""
        path = self._path(await self.kind_of(pod), pod, "log")
        query = {"container": container, "tailLines": str(lines), "previous": str(previous).lower()}
        return await self._connection.text(path, query)

    async def record_event(
        self, about: Object, key: str, kind: Literal["Normal", "Warning"], reason: str, text: str
    ) -> None:
        """Record an event about an object; an event with the same `key` is recorded once, however often this runs."""
        digest = hashlib.sha256(f"{about.uid}/{key}/{reason}".encode()).hexdigest()[:16]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = Object.of(
            "v1",
            "Event",
            {"name": f"{about.name}.{digest}", "namespace": about.namespace},
            involvedObject=_reference(about),
            type=kind,
            reason=reason,
            message=text[:1024],
            source={"component": FIELD_MANAGER},
            firstTimestamp=now,
            lastTimestamp=now,
            count=1,
        )
        resource = await self.kind_of(event.ref)
        answer = await self._connection.request("POST", resource.path(about.namespace), body=event.manifest)
        if answer.code != 409:
            self._checked(resource, answer.code, answer.body, f"recording an event about {about.ref}")

    async def warnings(self, about: Object) -> builtins.list[Object]:
        """List the Warning events about an object, the last one first."""
        found = await self.list("v1", "Event", about.namespace, fields=f"type=Warning,involvedObject.uid={about.uid}")
        return sorted(found, key=_last_seen, reverse=True)

    def _checked(self, kind: ResourceKind, code: int, body: Object, action: str) -> Object:
        if 200 <= code < 300:
            return body
        error = failure(code, body, action, secret=kind.kind == "Secret")
        if isinstance(error, KindNotFound):
            self._discovery.forget(kind)
        raise error


def _last_seen(event: Object) -> str:
    # An event has either the fields of the old API or those of events.k8s.io.
    return event.text("lastTimestamp") or event.text("series", "lastObservedTime") or event.text("eventTime")


def _reference(about: Object) -> Mapping[str, str]:
    return {
        "apiVersion": about.api_version,
        "kind": about.kind,
        "namespace": about.namespace,
        "name": about.name,
        "uid": about.uid,
    }
