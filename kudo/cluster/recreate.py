"""Applying what cannot be changed: delete it and make it anew, where its template asks for that."""

from collections.abc import Awaitable, Callable
from typing import Literal

from kudo.cluster.cluster import Cluster
from kudo.cluster.waiting import Say, wait_until_gone
from kudo.errors import ImmutableField, ResourceValidationError
from kudo.manifests import INSTANCE, PHASE, PLAN_UID, STEP
from kudo.manifests.recreate import KEPT, RECREATE, Recreate, recreate
from kudo.model.objects import Object

Announce = Callable[[str], Awaitable[None]]
"""Told of what is about to be deleted, and why."""


async def apply_or_recreate(cluster: Cluster, item: Object, say: Say, announce: Announce) -> Object:
    """Apply an object, and make it anew if its template asks for that.

    Raises ImmutableField where it would have to be made anew and its template does not ask for that,
    ResourceValidationError where what is there is not ours to delete, and what `failures` has.
    """
    asked = recreate(item)
    if asked is Recreate.ALWAYS:
        there = await cluster.get(item.ref)
        if there is not None and not _is_of_this_run(there, item):
            await _make_way(cluster, item, there, say, announce, "in every run")
    try:
        return await cluster.apply(item)
    except ImmutableField as error:
        if asked is Recreate.NEVER:
            raise ImmutableField(f"{error}{_hint(item)}") from None
        there = await cluster.get(item.ref)
        if there is not None:
            await _make_way(cluster, item, there, say, announce, "because it cannot be changed")
        return await cluster.apply(item)


def _hint(item: Object) -> str:
    if item.kind in KEPT:
        return ""
    asks = f"{RECREATE}: {Recreate.IF_IMMUTABLE}"
    return f". What is there would have to be deleted, and made anew; with the annotation {asks} a plan does that."


def _is_of_this_run(there: Object, item: Object) -> bool:
    """Whether this very task has made it, before its worker died: it is not to be run twice."""
    return all(there.annotations.get(key) == item.annotations.get(key) for key in (PLAN_UID, PHASE, STEP))


async def _make_way(cluster: Cluster, item: Object, there: Object, say: Say, announce: Announce, why: str) -> None:
    """Delete what is there, if it is ours, and what takes its place will be accepted."""
    if there.labels.get(INSTANCE) != item.labels.get(INSTANCE):
        raise ResourceValidationError(
            f"{item.ref} is to be made anew, but what is there was not made for the instance "
            f"{item.labels.get(INSTANCE, '')}; delete it by hand, or give the object another name."
        )
    await cluster.require_creatable(item)
    await announce(f"{item.ref} is deleted and made anew {why}, as its annotation {RECREATE} asks")
    await cluster.delete(there.ref, uid=there.uid, propagation=_propagation(item, there))
    await wait_until_gone(cluster, [there], say)


def _propagation(item: Object, there: Object) -> Literal["Foreground", "Orphan"]:
    """The pods of a StatefulSet that still selects them run on, and the new one takes them over."""
    same = item.child("spec", "selector") == there.child("spec", "selector")
    return "Orphan" if item.kind == "StatefulSet" and same else "Foreground"
