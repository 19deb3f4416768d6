"""What an apply or a delete would change, as the API server itself says."""

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
    """What would happen to an object."""

    MADE = "made"
    CHANGED = "changed"
    MADE_ANEW = "deleted and made anew"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Difference:
    """What would become of an object: as it is, and as it would be, without what changes from run to run."""

    ref: ObjectRef
    verb: Verb
    before: Manifest
    after: Manifest
    refusal: str = ""


class Comparison:
    """What the tasks of a plan would change, one after the other: each finds what those before it would have made."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._made: dict[ObjectRef, Object | None] = {}

    async def would_apply(self, objects: Sequence[Object]) -> list[Difference]:
        """What applying objects would change, by the API's own dry run. Raises what reading can raise."""
        differences = []
        for batch in batches(objects):
            hashed = await with_dependency_hashes(self._read, batch)
            differences += [await self._would_apply(item) for item in hashed]
        return differences

    async def would_delete(self, objects: Sequence[Object]) -> list[Difference]:
        """What deleting objects would take away. Raises what reading can raise."""
        self._made |= {item.ref: None for item in objects}
        found = [await self._cluster.find(item.ref) for item in objects]
        return [Difference(there.ref, Verb.DELETED, _shown(there), {}) for there in found if there is not None]

    async def _read(self, ref: ObjectRef) -> Object | None:
        return self._made[ref] if ref in self._made else await self._cluster.get(ref)

    async def _would_apply(self, item: Object) -> Difference:
        there = await self._cluster.find(item.ref)
        before = _shown(there) if there is not None else {}
        made = item
        try:
            made = await self._cluster.would_apply(item)
        except (KindNotFound, NamespaceNotFound):
            pass  # What it needs may be made by the same plan.
        except ImmutableField as error:
            if recreate_policy(item) is RecreatePolicy.NEVER:
                return Difference(item.ref, Verb.REFUSED, before, {}, str(error))
            self._made[item.ref] = item
            return Difference(item.ref, Verb.MADE_ANEW, before, _shown(item))
        except KudoError as error:
            return Difference(item.ref, Verb.REFUSED, before, {}, str(error))
        self._made[item.ref] = made
        after = _shown(made)
        verb = Verb.MADE if there is None else Verb.UNCHANGED if before == after else Verb.CHANGED
        if there is not None and recreate_policy(item) is RecreatePolicy.ALWAYS:
            verb = Verb.MADE_ANEW
        return Difference(item.ref, verb, before, after)


_COPIES = ("kudo.dev/last-applied-configuration", "kubectl.kubernetes.io/last-applied-configuration")
"""Annotations that hold a whole object, a Secret's values among it."""

_OF_THE_API = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")


def _shown(item: Object) -> Manifest:
    """Without what the API fills in, and what every run changes; a Secret's values are the caller's to hide."""
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
