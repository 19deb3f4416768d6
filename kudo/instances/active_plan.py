"""Load an ActivePlan: everything that a run of a plan needs, read once when it starts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pydantic import ValidationError

from kudo.errors import InvalidPlan, TaskBuildError, TaskRenderingError, UnknownTaskName, bullets
from kudo.instances.parameters import checked_values, require_unchanged
from kudo.instances.resources import read_instance, read_operator_version
from kudo.instances.size import check_size
from kudo.instances.skipping import carry_over_completed, skip_unmet_conditions, start_from
from kudo.instances.triggers import require_plan
from kudo.manifests import plan_variables
from kudo.manifests.pipes import pipe_names
from kudo.model.bounds import UNBOUNDED, Bounds
from kudo.model.execution import ActivePlan, Metadata, PlanRequest
from kudo.model.objects import Object
from kudo.model.plans import Plan, conditions
from kudo.model.resources import Instance, OperatorVersion
from kudo.model.status import PlanStatus
from kudo.model.tasks import TASK, Task
from kudo.model.validation import explain
from kudo.packages import newer_fields
from kudo.templates import Renderer, evaluate_conditions

if TYPE_CHECKING:
    from kudo.kubernetes import Cluster


async def load_active_plan(
    cluster: "Cluster", renderer: Renderer, request: PlanRequest, uid: str, bounds: Bounds = UNBOUNDED
) -> ActivePlan:
    """Read everything that the run `uid` needs; `bounds` apply to tasks whose packages set none.

    Raises InstanceNotFound, InvalidOperatorVersion, InvalidPlan, InvalidParams, RequestError, UnknownTaskName,
    TaskBuildError, TaskRenderingError or PlanTooLarge, and the errors of reading a cluster.
    """
    instance = await read_instance(cluster, request.namespace, request.instance)
    version = await read_operator_version(cluster, instance)
    return await build_active_plan(instance, version, renderer, request, uid, bounds)


async def build_active_plan(
    instance: Instance,
    version: OperatorVersion,
    renderer: Renderer,
    request: PlanRequest,
    uid: str = "",
    bounds: Bounds = UNBOUNDED,
) -> ActivePlan:
    """Build the ActivePlan of an Instance and an OperatorVersion, which need not exist in a cluster."""
    spec = read_plan(version, request.plan)
    _require_dialect(version, request.plan)
    tasks = [bounds.applied_to(_task(version, name)) for name in spec.task_names()]
    given = {**instance.spec.parameters, **request.parameters}
    params = await renderer.run("the parameters", checked_values, version.spec.parameters, given)
    require_unchanged(version.spec.parameters, instance.spec.parameters, given)
    metadata = _metadata(instance, version, request.plan, uid)
    pipes = pipe_names(metadata, spec, tasks)
    status = PlanStatus.pending(request.plan, spec, uid)
    if wanted := conditions(request.plan, spec, tasks):
        values = plan_variables(metadata, params, {})
        hold = await renderer.run("the conditions of the plan", evaluate_conditions, wanted, values)
        spec = skip_unmet_conditions(status, spec, hold)
    recorded = instance.status.plan_status.get(request.plan)
    if request.resume and recorded:
        carry_over_completed(status, recorded)
    if request.start_from:
        start_from(status, request.start_from, recorded)
    active = ActivePlan(
        name=request.plan,
        status=status,
        spec=spec,
        tasks=tasks,
        templates=_templates(version, tasks),
        params=params,
        pipes=pipes,
        metadata=metadata,
        resume=request.resume,
    )
    check_size(active)
    return active


def _require_dialect(version: OperatorVersion, plan: str) -> None:
    """Raise InvalidPlan if a plan in KUDO's dialect has fields of kudo.dev/v1, which KUDO would silently ignore."""
    if version.spec.package_api_version == "kudo.dev/v1":
        return
    problems = list(newer_fields(Object({"plans": {plan: version.spec.plans[plan]}, "tasks": version.spec.tasks})))
    if problems:
        raise InvalidPlan(f"The plan {plan} of {version.metadata.name} cannot run:{bullets(problems)}")


def read_plan(version: OperatorVersion, name: str) -> Plan:
    """Return a plan of an operator. Raises InvalidPlan if it does not exist or is malformed."""
    require_plan(version, name)
    raw = version.spec.plans[name]
    try:
        plan = Plan.model_validate(raw)
    except ValidationError as error:
        raise InvalidPlan(
            f"The plan {name} of {version.metadata.name} is malformed:{bullets(explain(error, raw))}"
        ) from None
    _require_once(name, "phase", (phase.name for phase in plan.phases))
    for phase in plan.phases:
        _require_once(name, f"step of {phase.name}", (step.name for step in phase.steps))
        # These names make up the ID of an activity, which must be unique in the phase.
        _require_once(name, f"task of {phase.name}", (f"{s.name}.{task}" for s in phase.steps for task in s.tasks))
    return plan


def check_place(version: OperatorVersion, plan: str, place: str) -> None:
    """Raise InvalidPlan if a plan has no such PHASE or PHASE.STEP to start from."""
    start_from(PlanStatus.pending(plan, read_plan(version, plan)), place)


def _require_once(plan: str, noun: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InvalidPlan(f"The plan {plan} has more than one {noun} with the name {twice[0]!r}.")


def _task(version: OperatorVersion, name: str) -> Task:
    raw = next((task for task in version.spec.tasks if task.get("name") == name), None)
    if raw is None:
        raise UnknownTaskName(f"{version.metadata.name} has no task {name!r}, which a step of the plan uses.")
    try:
        task = TASK.validate_python(raw)
    except ValidationError as error:
        raise TaskBuildError(
            f"The task {name} of {version.metadata.name} is malformed:{bullets(explain(error, raw))}"
        ) from None
    return task


def _templates(version: OperatorVersion, tasks: Iterable[Task]) -> Mapping[str, str]:
    wanted = {name: task for task in tasks for name in task.template_names()}
    for name, task in wanted.items():
        if name not in version.spec.templates:
            raise TaskRenderingError(
                f"{version.metadata.name} has no templates/{name}, which the task {task.name} uses."
            )
    return {name: version.spec.templates[name] for name in wanted}


def _metadata(instance: Instance, version: OperatorVersion, plan: str, uid: str) -> Metadata:
    return Metadata(
        operator_name=version.spec.operator.name or version.metadata.name,
        operator_version_name=version.metadata.name,
        operator_version=version.spec.version,
        app_version=version.spec.app_version,
        instance_name=instance.name,
        instance_namespace=instance.namespace,
        instance_uid=instance.metadata.uid,
        plan_name=plan,
        plan_uid=uid,
        api_version=version.spec.package_api_version or "kudo.dev/v1beta1",
        rewrite_api_versions=version.spec.rewrite_api_versions,
    )
