"""Instances that other Instances own."""

from typing import TYPE_CHECKING

from kudo.model.objects import Object
from kudo.model.resources import API_VERSION

if TYPE_CHECKING:
    from kudo.kubernetes import Cluster


def owners(item: Object) -> list[Object]:
    """Return the references to the Instances that own an object."""
    return [owner for owner in item.children("metadata", "ownerReferences") if owner.text("kind") == "Instance"]


async def descendants(cluster: "Cluster", namespace: str, uid: str) -> list[Object]:
    """Return all descendants of an Instance, each after its parent. Raises the errors of reading a cluster."""
    instances = await cluster.list(API_VERSION, "Instance", namespace)
    found: dict[str, Object] = {}
    above = [uid]
    for parent in above:
        below = {item.uid: item for item in instances if parent in [owner.text("uid") for owner in owners(item)]}
        above += [child for child in below if child not in above]
        found |= below
    return list(found.values())
