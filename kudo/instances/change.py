"""Changing and removing an Instance."""

from collections.abc import Mapping
from dataclasses import dataclass

from kudo.cluster import Cluster, Say, wait_until_gone
from kudo.errors import RequestError
from kudo.instances.parameters import check_parameters
from kudo.instances.plans import others_changed, plan_for_change
from kudo.instances.resources import instance_ref, read_instance, read_operator_version


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """A change of parameters that was checked, and the plan that it runs."""

    namespace: str
    instance: str
    parameters: Mapping[str, str]
    before: Mapping[str, str | None]
    """What the parameters were, None where they had no value of their own."""
    plan: str | None
    """None where no value changes."""
    later: list[str]
    """Parameters that changed, too, but would run another plan."""


async def check_update(cluster: Cluster, namespace: str, name: str, parameters: Mapping[str, str]) -> ParameterChange:
    """Check a change of parameters, before anything is written.

    Raises InstanceNotFound, InvalidParams or RequestError, and what reading a cluster can raise.
    """
    instance = await read_instance(cluster, namespace, name)
    version = await read_operator_version(cluster, instance)
    after = {**instance.spec.parameters, **parameters}
    check_parameters(version.spec.parameters, after)
    fixed = [
        parameter.name
        for parameter in version.spec.parameters
        if parameter.immutable
        and after.get(parameter.name, parameter.default)
        != instance.spec.parameters.get(parameter.name, parameter.default)
    ]
    if fixed:
        raise RequestError(f"{', '.join(fixed)} cannot be changed once an instance is installed.")
    plan = plan_for_change(version, instance.spec.parameters, after)
    before = {name: instance.spec.parameters.get(name) for name in parameters}
    later = others_changed(version, instance.spec.parameters, after) if plan else []
    return ParameterChange(namespace, instance.name, dict(parameters), before, plan, later)


async def update_instance(cluster: Cluster, change: ParameterChange) -> None:
    """Write a change of parameters. Raises what writing to a cluster can raise."""
    await _write_parameters(cluster, change, change.parameters)


async def undo_update(cluster: Cluster, change: ParameterChange) -> None:
    """Put parameters back to what they were. Raises what writing to a cluster can raise."""
    await _write_parameters(cluster, change, change.before)


async def _write_parameters(cluster: Cluster, change: ParameterChange, values: Mapping[str, str | None]) -> None:
    patch = {"spec": {"parameters": dict(values)}}
    await cluster.patch(instance_ref(change.namespace, change.instance), patch)


async def remove_instance(cluster: Cluster, namespace: str, name: str, say: Say) -> None:
    """Delete an Instance and what it owns, and wait until all is gone. Raises what deleting can raise."""
    ref = instance_ref(namespace, name)
    instance = await cluster.get(ref)
    if instance is not None:
        await cluster.delete(ref)
        await wait_until_gone(cluster, [instance], say)
