"""Changing and removing an Instance."""

from collections.abc import Mapping
from dataclasses import dataclass

from kudo.errors import RequestError
from kudo.instances.install import check_package, operator_version
from kudo.instances.owners import descendants
from kudo.instances.parameters import check_parameters, require_unchanged
from kudo.instances.pending_plan import choose_plan, pending_plan, pending_plan_hint, pending_plan_metadata
from kudo.instances.resources import instance_ref, read_instance, read_operator_version
from kudo.instances.triggers import others_changed, plan_for_change, plan_for_upgrade
from kudo.kubernetes import Cluster
from kudo.model.base import Manifest
from kudo.model.objects import Object
from kudo.model.parameters import Parameter
from kudo.model.resources import Instance, InstanceSpec, OperatorVersion, Reference
from kudo.model.versions import PackageVersion
from kudo.packages import Bundle
from kudo.rollout import OnProgress, wait_until_gone

Values = Mapping[str, str]

FINALIZER = "kudo.dev.instance.cleanup"
"""KUDO's own, of Instances whose operator has a plan cleanup."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an Instance that was checked, and the plan that it runs."""

    namespace: str
    instance: str
    pending: str
    """The plan that it had still to run."""
    spec: Manifest
    """What of the Instance's spec it sets, null for what goes."""
    before: Manifest
    """What that was."""
    plan: str | None
    """None where no value changes."""
    later: list[str]
    """Parameters that changed, too, but would run another plan."""
    dropped: list[str]
    """Parameters that the Instance has a value of, and its new version does not know."""
    instance_after: Instance
    version: OperatorVersion
    """Both as they would be."""


async def check_update(cluster: Cluster, namespace: str, name: str, parameters: Values) -> Change:
    """Check a change of parameters, before anything is written.

    Raises InstanceNotFound, InvalidParams or RequestError, and what reading a cluster can raise.
    """
    instance = await read_instance(cluster, namespace, name)
    version = await read_operator_version(cluster, instance)
    before = instance.spec.parameters
    after = {**before, **parameters}
    check_parameters(version.spec.parameters, after)
    require_unchanged(version.spec.parameters, before, after)
    plan = choose_plan(version, pending_plan(instance), plan_for_change(version, before, after))
    return Change(
        namespace,
        instance.name,
        pending_plan(instance),
        spec={"parameters": dict(parameters)},
        before={"parameters": {name: before.get(name) for name in parameters}},
        plan=plan,
        later=others_changed(version, before, after) if plan else [],
        dropped=[],
        instance_after=_with(instance, version, after),
        version=version,
    )


async def check_upgrade(cluster: Cluster, bundle: Bundle, namespace: str, name: str, parameters: Values) -> Change:
    """Check that an Instance can be brought to the version of a package, before anything is written.

    Raises InstanceNotFound, InvalidParams, PackageError or RequestError, and what reading a cluster can raise.
    """
    instance = await read_instance(cluster, namespace, name)
    version = await read_operator_version(cluster, instance)
    package = bundle.package
    new = operator_version(package)
    if new.spec.operator.name != version.spec.operator.name:
        raise RequestError(
            f"The instance {name} is of the operator {version.spec.operator.name}, and the package is of "
            f"{new.spec.operator.name}."
        )
    if PackageVersion(new.spec.version) <= PackageVersion(version.spec.version):
        raise RequestError(
            f"The instance {name} is of the version {version.spec.version}, and the package of {new.spec.version} is "
            f"not newer.{pending_plan_hint(instance)}"
        )
    before = instance.spec.parameters
    dropped = sorted(before.keys() - {parameter.name for parameter in new.spec.parameters} - parameters.keys())
    kept = _kept(version.spec.parameters, new.spec.parameters, before)
    after = {key: value for key, value in {**kept, **before, **parameters}.items() if key not in dropped}
    check_parameters(new.spec.parameters, after)
    was_fixed = {parameter.name for parameter in version.spec.parameters if parameter.immutable}
    arrived = [
        item.name for item in new.spec.parameters if item.immutable and item.name not in was_fixed | after.keys()
    ]
    if arrived:
        raise RequestError(f"Give {', '.join(arrived)} with -p: in the new version it cannot be changed later.")
    fixed = [parameter for parameter in new.spec.parameters if parameter.name in was_fixed]
    require_unchanged(fixed, {**kept, **before}, after)
    await check_package(cluster, bundle, namespace)
    changed = {**kept, **parameters, **dict.fromkeys(dropped)}
    return Change(
        namespace,
        instance.name,
        pending_plan(instance),
        spec={"operatorVersion": {"name": new.metadata.name}, "parameters": changed},
        before={
            "operatorVersion": {"name": version.metadata.name},
            "parameters": {key: before.get(key) for key in changed},
        },
        plan=plan_for_upgrade(new),
        later=[],
        dropped=dropped,
        instance_after=_with(instance, new, after),
        version=new,
    )


def _with(instance: Instance, version: OperatorVersion, parameters: Values) -> Instance:
    spec = InstanceSpec(operator_version=Reference(name=version.metadata.name), parameters=dict(parameters))
    return instance.model_copy(update={"spec": spec})


def _kept(old: list[Parameter], new: list[Parameter], given: Values) -> dict[str, str]:
    """What an immutable parameter was by its old default, where the new version has another."""
    defaults = {parameter.name: parameter.default for parameter in old}
    return {
        parameter.name: default
        for parameter in new
        if parameter.immutable
        and parameter.name not in given
        and (default := defaults.get(parameter.name)) is not None
        and default != parameter.default
    }


async def write_change(cluster: Cluster, change: Change) -> None:
    """Write a change to the Instance, and that its plan is pending. Raises what writing to a cluster can raise."""
    noted = pending_plan_metadata(change.plan) if change.plan else {}
    await cluster.patch(instance_ref(change.namespace, change.instance), {"metadata": noted, "spec": change.spec})


async def undo_change(cluster: Cluster, change: Change) -> None:
    """Put the Instance back to what it was. Raises what writing to a cluster can raise."""
    before = {"metadata": pending_plan_metadata(change.pending), "spec": change.before}
    await cluster.patch(instance_ref(change.namespace, change.instance), before)


async def remove_instance(cluster: Cluster, namespace: str, name: str, say: OnProgress) -> None:
    """Delete an Instance and what it owns, and wait until all is gone. Raises what deleting can raise."""
    ref = instance_ref(namespace, name)
    instance = await cluster.get(ref)
    if instance is None:
        return
    for item in [instance, *await descendants(cluster, namespace, instance.uid)]:
        await _let_go(cluster, item)
    await cluster.delete(ref)
    await wait_until_gone(cluster, [instance], say)


async def _let_go(cluster: Cluster, instance: Object) -> None:
    """Take away what KUDO's manager would have taken away after the plan cleanup; there may be none any more."""
    finalizers = instance.manifest["metadata"].get("finalizers", [])
    if FINALIZER in finalizers:
        left = [finalizer for finalizer in finalizers if finalizer != FINALIZER]
        metadata = {"finalizers": left, "resourceVersion": instance.resource_version}
        await cluster.patch(instance.ref, {"metadata": metadata})
