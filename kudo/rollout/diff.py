"""The changes that an apply or a delete would make, by dry runs of the API server."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kudo.errors import ForeignObject, ImmutableField, KindNotFound, KudoError, NamespaceNotFound
from kudo.kubernetes.cluster import Cluster
from kudo.manifests.recreate_policy import RecreatePolicy, recreate_policy
from kudo.model.annotations import PENDING_PLAN, PHASE, PLAN, PLAN_UID, STEP
from kudo.model.base import Manifest
from kudo.model.objects import Object, ObjectRef
from kudo.rollout.apply_order import batches
from kudo.rollout.create_once import find_kept, is_created_once
from kudo.rollout.dependency_hashes import with_dependency_hashes
from kudo.rollout.ownership import check_own, without_consent


class Operation(StrEnum):
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
    operation: Operation
    before: Manifest
    after: Manifest
    rejection: str = ""
    """The error of the API; empty unless the operation is REJECTED."""


class Comparison:
    """The changes that each task of a plan would make to the objects in the cluster.

    Only hashes of Secrets and ConfigMaps take earlier tasks into account; an object that an earlier task deletes is
    compared as if it still existed.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._result: dict[ObjectRef, Object | None] = {}

    async def diff_apply(self, objects: Sequence[Object]) -> list[Difference]:
        """Return the changes that applying objects would make.

        Does not check whether the live object may be deleted. Raises the errors of reading a cluster, and
        TaskEnhancementError if a recreate annotation is invalid or not allowed.
        """
        differences = []
        for batch in batches(objects):
            kept = await find_kept(self._cluster, batch)
            hashed = await with_dependency_hashes(self._read, [kept.get(item.ref, item) for item in batch])
            differences += [await self._diff_applied(item) for item in hashed]
        return differences

    async def diff_delete(self, objects: Sequence[Object]) -> list[Difference]:
        """Return the objects that deleting would delete. Raises the errors of reading a cluster."""
        self._result |= {item.ref: None for item in objects}
        found = [(item, await self._cluster.find(item.ref)) for item in objects]
        return [_diff_deleted(item, live) for item, live in found if live is not None]

    async def _read(self, ref: ObjectRef) -> Object | None:
        return self._result[ref] if ref in self._result else await self._cluster.get(ref)

    async def _diff_applied(self, item: Object) -> Difference:
        live = await self._cluster.find(item.ref)
        before = _comparable_manifest(live) if live is not None else {}
        if live is not None and is_created_once(item):
            self._result[item.ref] = live
            return Difference(item.ref, Operation.UNCHANGED, before, before)
        applied = item
        try:
            if live is not None:
                check_own(item, live)
            item = without_consent(item)
            applied = await self._cluster.dry_run_apply(item)
        except (KindNotFound, NamespaceNotFound):
            pass  # The same plan may create the kind or the namespace.
        except ImmutableField as error:
            if recreate_policy(item) is RecreatePolicy.NEVER:
                return Difference(item.ref, Operation.REJECTED, before, {}, str(error))
            self._result[item.ref] = item
            return Difference(item.ref, Operation.RECREATED, before, _comparable_manifest(item))
        except KudoError as error:
            return Difference(item.ref, Operation.REJECTED, before, {}, str(error))
        self._result[item.ref] = applied
        after = _comparable_manifest(applied)
        operation = Operation.CREATED if live is None else Operation.UNCHANGED if before == after else Operation.CHANGED
        if live is not None and recreate_policy(item) is RecreatePolicy.ALWAYS:
            operation = Operation.RECREATED
        return Difference(item.ref, operation, before, after)


def _diff_deleted(item: Object, live: Object) -> Difference:
    before = _comparable_manifest(live)
    try:
        check_own(item, live)
    except ForeignObject as error:
        return Difference(live.ref, Operation.REJECTED, before, {}, str(error))
    return Difference(live.ref, Operation.DELETED, before, {})


_LAST_APPLIED_ANNOTATIONS = ("kudo.dev/last-applied-configuration", "kubectl.kubernetes.io/last-applied-configuration")
"""Annotations that contain a whole object, with the values of a Secret."""

_SERVER_SET_FIELDS = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")


def _comparable_manifest(item: Object) -> Manifest:
    """Return a manifest without fields of the API and of single runs; the caller masks the values of a Secret."""
    shown = copy.deepcopy(item.manifest)
    shown.pop("status", None)
    metadata = shown.get("metadata", {})
    for field in _SERVER_SET_FIELDS:
        metadata.pop(field, None)
    annotations = metadata.get("annotations") or {}
    for name in (PLAN, PHASE, STEP, PLAN_UID, PENDING_PLAN, *_LAST_APPLIED_ANNOTATIONS):
        annotations.pop(name, None)
    if not annotations:
        metadata.pop("annotations", None)
    return shown
