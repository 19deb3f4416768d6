"""Choose the plan that a change runs (KUDO's table of triggers)."""

from collections.abc import Mapping

from kudo.errors import InvalidPlan, RequestError
from kudo.instances.parameters import effective_values
from kudo.model.parameters import Parameter
from kudo.model.plans import DEPLOY, UPDATE, UPGRADE
from kudo.model.resources import OperatorVersion
from kudo.model.suggestion import did_you_mean


def require_plan(version: OperatorVersion, plan: str) -> None:
    """Raise InvalidPlan if the operator has no such plan."""
    if plan not in version.spec.plans:
        plans = ", ".join(sorted(version.spec.plans)) or "none"
        hint = did_you_mean(plan, version.spec.plans)
        raise InvalidPlan(f"{version.metadata.name} has no plan {plan!r}{hint or '.'} Its plans: {plans}.")


def plan_for_change(version: OperatorVersion, before: Mapping[str, str], after: Mapping[str, str]) -> str | None:
    """Return the plan that a change of parameters runs; None if no value changes.

    It is the plan that the triggers of the changed parameters name, else update, else deploy. Raises RequestError if
    they name several plans, or InvalidPlan if the plan does not exist.
    """
    changed = _changed(version, before, after)
    if not changed:
        return None
    triggers = {parameter.trigger: parameter.name for parameter in changed if parameter.trigger}
    if len(triggers) > 1:
        listed = ", ".join(f"{name} triggers {plan}" for plan, name in sorted(triggers.items()))
        raise RequestError(f"These parameters trigger different plans ({listed}). Change them one at a time.")
    plan = next(iter(triggers), UPDATE if UPDATE in version.spec.plans else DEPLOY)
    require_plan(version, plan)
    return plan


def plan_for_upgrade(version: OperatorVersion) -> str:
    """Return the plan that an upgrade to this version runs: upgrade, else update, else deploy."""
    return next((plan for plan in (UPGRADE, UPDATE) if plan in version.spec.plans), DEPLOY)


def others_changed(version: OperatorVersion, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return the changed parameters without a trigger, if another changed parameter has one and chooses the plan."""
    changed = _changed(version, before, after)
    triggering = any(parameter.trigger for parameter in changed)
    return [parameter.name for parameter in changed if triggering and not parameter.trigger]


def _changed(version: OperatorVersion, before: Mapping[str, str], after: Mapping[str, str]) -> list[Parameter]:
    parameters = version.spec.parameters
    old, new = effective_values(parameters, before), effective_values(parameters, after)
    return [parameter for parameter in parameters if old[parameter.name] != new[parameter.name]]
