"""Apply objects, and delete and recreate those that cannot change, if an annotation of their template requests it."""

from collections.abc import Awaitable, Callable
from typing import Literal

from kudo.errors import ImmutableField, ResourceValidationError
from kudo.kubernetes.cluster import Cluster
from kudo.manifests.recreate_policy import NEVER_RECREATED, RecreatePolicy, recreate_policy
from kudo.model.annotations import INSTANCE, PHASE, PLAN_UID, RECREATE, STEP
from kudo.model.objects import Object
from kudo.rollout.wait import OnProgress, wait_until_gone

Announce = Callable[[str], Awaitable[None]]
"""Called with a sentence about an object before it is deleted."""


async def apply_or_recreate(cluster: Cluster, item: Object, on_progress: OnProgress, announce: Announce) -> Object:
    """Apply an object, and recreate it if its annotation requests that.

    Raises ImmutableField if it would have to be recreated without that annotation, ResourceValidationError if the live
    object must not be deleted, and the errors of `failures`.
    """
    policy = recreate_policy(item)
    if policy is RecreatePolicy.ALWAYS:
        live = await cluster.get(item.ref)
        if live is not None and not _is_of_this_run(live, item):
            return await _recreate(cluster, item, live, on_progress, announce, "in every run")
    try:
        return await cluster.apply(item)
    except ImmutableField as error:
        if policy is RecreatePolicy.NEVER:
            raise ImmutableField(f"{error}{_hint(item)}") from None
        live = await cluster.get(item.ref)
        if live is not None and _is_of_this_run(live, item):
            # Another worker runs the same task at the same time.
            raise
        if live is None:
            return await cluster.apply(item)
        return await _recreate(cluster, item, live, on_progress, announce, "because it cannot be changed")


def _hint(item: Object) -> str:
    if item.kind in NEVER_RECREATED or not item.namespace:
        return ""
    annotation = f"{RECREATE}: {RecreatePolicy.IF_IMMUTABLE}"
    return f". The object would have to be deleted and recreated; a plan does so with the annotation {annotation}."


def _is_of_this_run(live: Object, item: Object) -> bool:
    """Whether this task of this run created the live object before its worker died; it must not run twice."""
    return all(live.annotations.get(key) == item.annotations.get(key) for key in (PLAN_UID, PHASE, STEP))


async def _recreate(
    cluster: Cluster, item: Object, live: Object, on_progress: OnProgress, announce: Announce, reason: str
) -> Object:
    """Delete the live object, if that is safe and the API will accept its replacement, and apply."""
    _require_owned(item, live)
    propagation = _propagation(item, live)
    item = await cluster.as_scaled(item, live)
    await cluster.require_creatable(item)
    await announce(f"{item.ref} is deleted and recreated {reason}, as its annotation {RECREATE} requests")
    await cluster.delete(live.ref, uid=live.uid, propagation=propagation)
    await wait_until_gone(cluster, [live], on_progress)
    return await cluster.apply(item)


def _require_owned(item: Object, live: Object) -> None:
    instance = item.labels.get(INSTANCE, "")
    if not item.namespace:
        reason = "it is not namespaced, so others may use it"
    elif live.labels.get(INSTANCE) != instance:
        reason = f"the live object was not created for the instance {instance}"
    else:
        return
    raise ResourceValidationError(
        f"{item.ref} must be recreated, but {reason}; delete it by hand, or rename it in the template."
    )


def _propagation(item: Object, live: Object) -> Literal["Foreground", "Orphan"]:
    """Return how to delete the live object; the pods of a StatefulSet keep running if the new one can adopt them.

    Raises ResourceValidationError if the claims of a StatefulSet would be deleted with it.
    """
    if item.kind != "StatefulSet":
        return "Foreground"
    if _identity(item) == _identity(live):
        return "Orphan"
    if live.text("spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete":
        raise ResourceValidationError(
            f"{item.ref} must be recreated, but its claims would be deleted with it; first set its "
            "persistentVolumeClaimRetentionPolicy.whenDeleted to Retain."
        )
    return "Foreground"


def _identity(item: Object) -> tuple[object, ...]:
    """Return the fields of a StatefulSet that define its pods and that no rollout changes in them."""
    claims = [claim.text("metadata", "name") for claim in item.children("spec", "volumeClaimTemplates")]
    return item.child("spec", "selector").manifest, item.text("spec", "serviceName"), claims
