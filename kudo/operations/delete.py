"""Delete Operators and OperatorVersions that nothing uses."""

from typing import Literal

from kudo.errors import RequestError
from kudo.instances.resources import list_instances
from kudo.kubernetes import Cluster
from kudo.model.objects import ObjectRef
from kudo.model.resources import API_VERSION

Kind = Literal["Operator", "OperatorVersion"]


async def delete(cluster: Cluster, namespace: str, kind: Kind, name: str) -> None:
    """Delete an Operator that has no versions, or an OperatorVersion that has no Instances.

    Raises RequestError if it does not exist or something uses it, and the errors of a cluster.
    """
    ref = ObjectRef(API_VERSION, kind, namespace, name)
    existing = await cluster.get(ref)
    if existing is None:
        others = ", ".join(sorted(item.name for item in await cluster.list(API_VERSION, kind, namespace))) or "none"
        raise RequestError(f"There is no {kind} {name} in the namespace {namespace}. {kind}s in it: {others}.")
    users = await _users(cluster, namespace, kind, name)
    if users:
        delete_first = f"`kudo delete operatorversion NAME --namespace {namespace}`"
        if kind == "OperatorVersion":
            delete_first = f"`kudo uninstall --instance NAME --namespace {namespace}`"
        raise RequestError(
            f"The {kind} {name} in the namespace {namespace} is used by {', '.join(users)}. Delete these first, with "
            f"{delete_first}."
        )
    await cluster.delete(ref, uid=existing.uid)


async def _users(cluster: Cluster, namespace: str, kind: Kind, name: str) -> list[str]:
    if kind == "OperatorVersion":
        instances = await list_instances(cluster, namespace)
        return sorted(item.name for item in instances if item.spec.operator_version.name == name)
    versions = await cluster.list(API_VERSION, "OperatorVersion", namespace)
    return sorted(item.name for item in versions if item.text("spec", "operator", "name") == name)
