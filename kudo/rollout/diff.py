"""The changes that an apply or a delete would make, by dry runs of the API server."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kudo.errors import ImmutableField, KindNotFound, KudoError, NamespaceNotFound
from kudo.kubernetes.cluster import Cluster
from kudo.manifests.recreate_policy import RecreatePolicy, recreate_policy
from kudo.model.annotations import PENDING_PLAN, PHASE, PLAN, PLAN_UID, STEP
from kudo.model.base import Manifest
from kudo.model.objects import Object, ObjectRef
from kudo.rollout.apply_order import batches
from kudo.rollout.dependency_hashes import with_dependency_hashes


class Verb(StrEnum):
    """The change of an object."""

    CREATED = "created"
    CHANGED = "changed"
    RECREATED = "recreated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Difference:
    """An object before and after its change, without the fields that change in every run."""

    ref: ObjectRef
    verb: Verb
    before: Manifest
    after: Manifest
    rejection: str = ""
    """The error of the API; empty unless the verb is REJECTED."""


class Comparison:
    """The changes that the tasks of a plan would make, in order: each builds on the objects of those before it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._result: dict[ObjectRef, Object | None] = {}

    async def would_apply(self, objects: Sequence[Object]) -> list[Difference]:
        """Return the changes that applying objects would make. Raises the errors of reading a cluster."""
        differences = []
        for batch in batches(objects):
            hashed = await with_dependency_hashes(self._read, batch)
            differences += [await self._would_apply(item) for item in hashed]
        return differences

    async def would_delete(self, objects: Sequence[Object]) -> list[Difference]:
        """Return the objects that deleting would delete. Raises the errors of reading a cluster."""
        self._result |= {item.ref: None for item in objects}
        found = [await self._cluster.find(item.ref) for item in objects]
        return [Difference(live.ref, Verb.DELETED, _shown(live), {}) for live in found if live is not None]

    async def _read(self, ref: ObjectRef) -> Object | None:
        return self._result[ref] if ref in self._result else await self._cluster.get(ref)

    async def _would_apply(self, item: Object) -> Difference:
        live = await self._cluster.find(item.ref)
        before = _shown(live) if live is not None else {}
        applied = item
        try:
            applied = await self._cluster.would_apply(item)
        except (KindNotFound, NamespaceNotFound):
            pass  # The same plan may create the kind or the namespace.
        except ImmutableField as error:
            if recreate_policy(item) is RecreatePolicy.NEVER:
                return Difference(item.ref, Verb.REJECTED, before, {}, str(error))
            self._result[item.ref] = item
            return Difference(item.ref, Verb.RECREATED, before, _shown(item))
        except KudoError as error:
            return Difference(item.ref, Verb.REJECTED, before, {}, str(error))
        self._result[item.ref] = applied
        after = _shown(applied)
        verb = Verb.CREATED if live is None else Verb.UNCHANGED if before == after else Verb.CHANGED
        if live is not None and recreate_policy(item) is RecreatePolicy.ALWAYS:
            verb = Verb.RECREATED
        return Difference(item.ref, verb, before, after)


_COPIES = ("kudo.dev/last-applied-configuration", "kubectl.kubernetes.io/last-applied-configuration")
"""Annotations that contain a whole object, with the values of a Secret."""

_OF_THE_API = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")


def _shown(item: Object) -> Manifest:
    """Return a manifest without fields of the API and of single runs; the caller masks the values of a Secret."""
    shown = copy.deepcopy(item.manifest)
    shown.pop("status", None)
    metadata = shown.get("metadata", {})
    for field in _OF_THE_API:
        metadata.pop(field, None)
    annotations = metadata.get("annotations") or {}
    for name in (PLAN, PHASE, STEP, PLAN_UID, PENDING_PLAN, *_COPIES):
        annotations.pop(name, None)
    if not annotations:
        metadata.pop("annotations", None)
    return shown
