"""Applying what cannot be changed: delete it and make it anew, where its template asks for that."""

from collections.abc import Awaitable, Callable
from typing import Literal

from kudo.errors import ImmutableField, ResourceValidationError
from kudo.kubernetes.cluster import Cluster
from kudo.manifests.recreate_policy import NEVER_RECREATED, RecreatePolicy, recreate_policy
from kudo.model.annotations import INSTANCE, PHASE, PLAN_UID, RECREATE, STEP
from kudo.model.objects import Object
from kudo.rollout.wait import OnProgress, wait_until_gone

Announce = Callable[[str], Awaitable[None]]
"""Told of what is about to be deleted, and why."""


async def apply_or_recreate(cluster: Cluster, item: Object, on_progress: OnProgress, announce: Announce) -> Object:
    """Apply an object, and make it anew if its template asks for that.

    Raises ImmutableField where it would have to be made anew and its template does not ask for that,
    ResourceValidationError where what is there must not be deleted, and what `failures` has.
    """
    asked = recreate_policy(item)
    if asked is RecreatePolicy.ALWAYS:
        there = await cluster.get(item.ref)
        if there is not None and not _is_of_this_run(there, item):
            return await _make_anew(cluster, item, there, on_progress, announce, "in every run")
    try:
        return await cluster.apply(item)
    except ImmutableField as error:
        if asked is RecreatePolicy.NEVER:
            raise ImmutableField(f"{error}{_hint(item)}") from None
        there = await cluster.get(item.ref)
        if there is not None and _is_of_this_run(there, item):
            # Somebody else does the same task at the same time.
            raise
        if there is None:
            return await cluster.apply(item)
        return await _make_anew(cluster, item, there, on_progress, announce, "because it cannot be changed")


def _hint(item: Object) -> str:
    if item.kind in NEVER_RECREATED or not item.namespace:
        return ""
    asks = f"{RECREATE}: {RecreatePolicy.IF_IMMUTABLE}"
    return f". What is there would have to be deleted, and made anew; with the annotation {asks} a plan does that."


def _is_of_this_run(there: Object, item: Object) -> bool:
    """Whether this very task has made it, before its worker died: it is not to be run twice."""
    return all(there.annotations.get(key) == item.annotations.get(key) for key in (PLAN_UID, PHASE, STEP))


async def _make_anew(
    cluster: Cluster, item: Object, there: Object, on_progress: OnProgress, announce: Announce, why: str
) -> Object:
    """Delete what is there, if that is safe and what takes its place will be accepted, and apply."""
    _require_ours(item, there)
    propagation = _propagation(item, there)
    item = await cluster.as_scaled(item, there)
    await cluster.require_creatable(item)
    await announce(f"{item.ref} is deleted and made anew {why}, as its annotation {RECREATE} asks")
    await cluster.delete(there.ref, uid=there.uid, propagation=propagation)
    await wait_until_gone(cluster, [there], on_progress)
    return await cluster.apply(item)


def _require_ours(item: Object, there: Object) -> None:
    instance = item.labels.get(INSTANCE, "")
    if not item.namespace:
        why = "it is in no namespace, so it may belong to others as well"
    elif there.labels.get(INSTANCE) != instance:
        why = f"what is there was not made for the instance {instance}"
    else:
        return
    raise ResourceValidationError(
        f"{item.ref} is to be made anew, but {why}; delete it by hand, or give the object another name."
    )


def _propagation(item: Object, there: Object) -> Literal["Foreground", "Orphan"]:
    """The pods of a StatefulSet run on, and the new one takes them over, where it could have made them itself.

    Raises ResourceValidationError where its claims would go with it.
    """
    if item.kind != "StatefulSet":
        return "Foreground"
    if _identity(item) == _identity(there):
        return "Orphan"
    if there.text("spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete":
        raise ResourceValidationError(
            f"{item.ref} is to be made anew, but its claims would go with it; set its "
            "persistentVolumeClaimRetentionPolicy.whenDeleted to Retain before."
        )
    return "Foreground"


def _identity(item: Object) -> tuple[object, ...]:
    """What of a StatefulSet its pods are made of that no roll-out changes in them."""
    claims = [claim.text("metadata", "name") for claim in item.children("spec", "volumeClaimTemplates")]
    return item.child("spec", "selector").manifest, item.text("spec", "serviceName"), claims
