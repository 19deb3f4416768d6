"""Plan a change of an Instance: its new spec, and the plan that the change runs.

`update`, `upgrade`, KudoOperator tasks and dry runs all plan their changes here:

    Instance + its OperatorVersion + target OperatorVersion + parameters -> Change

A Change is only data. It is written together with the annotation of the pending plan, so that the plan runs even if
the process that wrote the change dies before it starts the plan (see `pending_plan`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from kudo.errors import RequestError
from kudo.instances.parameters import check_parameters, require_unchanged
from kudo.instances.pending_plan import choose_plan, pending_plan, pending_plan_metadata
from kudo.instances.resources import instance_ref
from kudo.instances.triggers import others_changed, plan_for_change, plan_for_upgrade
from kudo.model.annotations import LAST_COMPLETE
from kudo.model.base import Manifest
from kudo.model.parameters import Parameter
from kudo.model.resources import Instance, InstanceSpec, OperatorVersion, Reference
from kudo.model.status import ExecutionStatus

if TYPE_CHECKING:
    from kudo.kubernetes import Cluster

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """A checked change of an Instance."""

    instance: Instance
    """The Instance before the change."""
    version: OperatorVersion
    """The OperatorVersion after the change."""
    parameters: dict[str, str]
    """The parameters stored in the Instance after the change, without defaults that the operator applies."""
    spec: Manifest
    """The merge patch of the spec: only fields that differ; null removes one."""
    plan: str | None
    """The plan that the change runs; None if no effective value changes and no plan is pending."""
    not_applied: list[str]
    """Changed parameters that the plan does not apply, because the trigger of another parameter chose the plan."""
    dropped: list[str]
    """Parameters of the Instance that the new version does not define."""

    @property
    def pending(self) -> str:
        """The plan that was pending before the change; empty if there was none."""
        return pending_plan(self.instance)

    @property
    def instance_after(self) -> Instance:
        """The Instance after the change."""
        version = Reference(name=self.version.metadata.name)
        return self.instance.model_copy(
            update={"spec": InstanceSpec(operator_version=version, parameters=dict(self.parameters))}
        )

    @property
    def undo(self) -> Manifest:
        """The merge patch of the spec that reverts the change."""
        before = self.instance.spec
        patch: Manifest = {}
        if "operatorVersion" in self.spec:
            patch["operatorVersion"] = {"name": before.operator_version.name}
        if "parameters" in self.spec:
            patch["parameters"] = {name: before.parameters.get(name) for name in self.spec["parameters"]}
        return patch


def compute_change(instance: Instance, current: OperatorVersion, target: OperatorVersion, parameters: Values) -> Change:
    """Plan a change of parameters, or of the version if `target` is not the Instance's OperatorVersion `current`.

    Raises InvalidParams for parameters that `target` does not accept, InvalidPlan if a trigger names a plan that does
    not exist, or RequestError if an immutable parameter would change, a parameter that becomes immutable has no value,
    or the changed parameters trigger several plans.
    """
    before = instance.spec.parameters
    # In development, the content of a version may change.
    is_upgrade = target.metadata.name != instance.spec.operator_version.name or target.spec != current.spec
    kept = _kept_defaults(current.spec.parameters, target.spec.parameters, before)
    dropped = sorted(before.keys() - _names(target.spec.parameters) - parameters.keys()) if is_upgrade else []
    after = {name: value for name, value in {**kept, **before, **parameters}.items() if name not in dropped}
    check_parameters(target.spec.parameters, after)
    _require_immutable_unchanged(current, target, {**kept, **before}, after)
    changed = plan_for_upgrade(target) if is_upgrade else plan_for_change(target, before, after)
    plan = choose_plan(target, pending_plan(instance), changed)
    return Change(
        instance=instance,
        version=target,
        parameters=after,
        spec=_patch(instance, target, after, dropped),
        plan=plan,
        not_applied=others_changed(target, before, after) if plan and not is_upgrade else [],
        dropped=dropped,
    )


def compute_rollback(instance: Instance, target: OperatorVersion, spec: InstanceSpec) -> Change:
    """Plan the return to a spec that the Instance had, with its OperatorVersion `target`.

    Raises InvalidParams for parameters that `target` does not accept any more, or InvalidPlan.
    """
    after = dict(spec.parameters)
    check_parameters(target.spec.parameters, after)
    dropped = sorted(instance.spec.parameters.keys() - after.keys())
    is_upgrade = target.metadata.name != instance.spec.operator_version.name
    changed = plan_for_upgrade(target) if is_upgrade else plan_for_change(target, instance.spec.parameters, after)
    return Change(
        instance=instance,
        version=target,
        parameters=after,
        spec=_patch(instance, target, after, dropped),
        plan=choose_plan(target, pending_plan(instance), changed),
        not_applied=[],
        dropped=[],
    )


def last_complete_spec(instance: Instance) -> InstanceSpec | None:
    """Return the spec before the last change of an Instance whose last plan was COMPLETE; None if none is recorded."""
    try:
        return InstanceSpec.model_validate_json(instance.metadata.annotations.get(LAST_COMPLETE, ""))
    except ValidationError:
        return None


def _names(parameters: Iterable[Parameter]) -> set[str]:
    return {parameter.name for parameter in parameters}


def _kept_defaults(old: list[Parameter], new: list[Parameter], given: Values) -> dict[str, str]:
    """Return the old defaults of immutable parameters whose default the new version changes."""
    defaults = {parameter.name: parameter.default for parameter in old}
    return {
        parameter.name: default
        for parameter in new
        if parameter.immutable
        and parameter.name not in given
        and (default := defaults.get(parameter.name)) is not None
        and default != parameter.default
    }


def _require_immutable_unchanged(
    current: OperatorVersion, target: OperatorVersion, before: Values, after: Values
) -> None:
    """Raise RequestError if an immutable parameter changes, or one that becomes immutable is not given."""
    immutable = {parameter.name for parameter in current.spec.parameters if parameter.immutable}
    new = [item.name for item in target.spec.parameters if item.immutable and item.name not in immutable | after.keys()]
    if new:
        raise RequestError(f"Set {', '.join(new)} with -p: the new version does not allow changes of it later.")
    require_unchanged((item for item in target.spec.parameters if item.name in immutable), before, after)


def _patch(instance: Instance, target: OperatorVersion, after: Values, dropped: Iterable[str]) -> Manifest:
    before = instance.spec
    patch: Manifest = {}
    if before.operator_version.name != target.metadata.name:
        patch["operatorVersion"] = {"name": target.metadata.name}
    changed = {name: value for name, value in after.items() if before.parameters.get(name) != value}
    if changed or dropped:
        patch["parameters"] = {**changed, **dict.fromkeys(dropped)}
    return patch


async def write_change(cluster: "Cluster", change: Change) -> None:
    """Write a change and its pending plan to the Instance. Raises what `Cluster.patch` raises."""
    metadata = pending_plan_metadata(change.plan) if change.plan else {}
    last = change.instance.status.last_plan
    if change.spec and last and last.status is ExecutionStatus.COMPLETE and not change.pending:
        metadata.setdefault("annotations", {})[LAST_COMPLETE] = change.instance.spec.model_dump_json()
    await _patch_instance(cluster, change, {"metadata": metadata, "spec": change.spec})


async def undo_change(cluster: "Cluster", change: Change) -> None:
    """Revert a change that was written. Raises what `Cluster.patch` raises."""
    metadata = pending_plan_metadata(change.pending)
    metadata["annotations"][LAST_COMPLETE] = change.instance.metadata.annotations.get(LAST_COMPLETE)
    await _patch_instance(cluster, change, {"metadata": metadata, "spec": change.undo})


async def _patch_instance(cluster: "Cluster", change: Change, patch: Manifest) -> None:
    await cluster.patch(instance_ref(change.instance.namespace, change.instance.name), patch)
