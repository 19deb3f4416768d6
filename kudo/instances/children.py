"""The child Instances of KudoOperator tasks (KUDO's `pkg/engine/task/task_kudo_operator.go`)."""

from collections.abc import Mapping

from kudo.errors import InvalidOperatorVersion, RequestError, TaskBuildError
from kudo.instances.change import plan_change
from kudo.instances.owners import owners
from kudo.instances.parameters import check_parameters, read_values, with_fixed
from kudo.instances.pending_plan import pending_plan_metadata
from kudo.instances.resources import find_operator_version, instance_ref, parse_instance, require_instance
from kudo.instances.triggers import DEPLOY
from kudo.kubernetes import Cluster
from kudo.manifests import instance_variables, source_of
from kudo.model.annotations import HERITAGE, OPERATOR
from kudo.model.base import Manifest
from kudo.model.execution import ChildRequest, PlanRequest, TaskRequest, Variables
from kudo.model.objects import Object
from kudo.model.resources import API_VERSION, Instance, OperatorVersion
from kudo.model.status import ExecutionStatus
from kudo.model.tasks import KudoOperatorTask
from kudo.templates import Renderer, render_all


async def prepare_child(cluster: Cluster, renderer: Renderer, request: TaskRequest) -> ChildRequest:
    """Make or change the Instance of a KudoOperator task, and say which of its plans has to run.

    Safe to repeat. Raises TaskRenderingError, InvalidParams, InvalidOperatorVersion, RequestError where the Instance
    is somebody else's, and what reading and writing can raise.
    """
    task = operator_task(request)
    parent = await require_instance(cluster, request.metadata)
    ref = instance_ref(parent.namespace, task.instance_of(parent.name))
    parameters = await child_parameters(renderer, request)
    version = await find_operator_version(cluster, parent.namespace, task.operator_version_name)
    if version is None:
        raise InvalidOperatorVersion(
            f"The task {task.name} needs the OperatorVersion {task.operator_version_name}, which is not there. "
            f"Install the package {request.metadata.operator_name} again, which brings it along."
        )
    there = await cluster.get(ref)
    if there is None:
        check_parameters(version.spec.parameters, parameters)
        values = with_fixed(version.spec.parameters, parameters)
        await cluster.create(child_instance(request, version.spec.operator.name, values))
        return _run(request, ref.name, DEPLOY)
    await _require_ours(cluster, there, parent, version)
    child = parse_instance(there)
    current = await find_operator_version(cluster, parent.namespace, child.spec.operator_version.name) or version
    change = plan_change(child, current, version, parameters)
    plan = change.plan if _is_deployed(child) else DEPLOY
    if change.spec or change.pending != (plan or ""):
        metadata = {**pending_plan_metadata(plan or ""), "resourceVersion": there.resource_version}
        await cluster.patch(ref, {"metadata": metadata, "spec": change.spec})
    recorded = child.status.plan_status.get(plan or "")
    left = recorded is not None and recorded.status is not ExecutionStatus.COMPLETE
    return _run(request, ref.name, plan, resume=request.resume and left and not change.spec)


def _is_deployed(child: Instance) -> bool:
    deployed = child.status.plan_status.get(DEPLOY)
    return deployed is not None and deployed.status is ExecutionStatus.COMPLETE


def _run(request: TaskRequest, instance: str, plan: str | None, *, resume: bool = False) -> ChildRequest:
    namespace = request.metadata.instance_namespace
    return ChildRequest(
        instance=instance,
        plan=PlanRequest(namespace=namespace, instance=instance, plan=plan, resume=resume) if plan else None,
    )


def operator_task(request: TaskRequest) -> KudoOperatorTask:
    """The KudoOperator task of a request. Raises TaskBuildError where it is another."""
    if not isinstance(request.task, KudoOperatorTask):
        raise TaskBuildError(f"{request.task.name} is no KudoOperator task")
    return request.task


async def child_parameters(renderer: Renderer, request: TaskRequest) -> dict[str, str]:
    """What the task's parameter file gives. Raises TaskRenderingError, or InvalidParams for what is no map."""
    file = operator_task(request).spec.parameter_file
    if not file:
        return {}
    metadata = request.metadata
    variables: Variables = instance_variables(
        request.params,
        operator_name=metadata.operator_name,
        name=metadata.instance_name,
        namespace=metadata.instance_namespace,
        app_version=metadata.app_version,
        operator_version=metadata.operator_version,
    )
    what, sources = f"templates/{file}", {file: source_of(request, file)}
    rendered = await renderer.run(what, render_all, metadata.api_version, sources, variables)
    return read_values(what, rendered[file])


def child_instance(request: TaskRequest, operator: str, parameters: Mapping[str, str]) -> Object:
    """The Instance as it is made; like KUDO's it is owned by its parent, but not controlled."""
    task, metadata = operator_task(request), request.metadata
    owner = {
        "apiVersion": API_VERSION,
        "kind": "Instance",
        "name": metadata.instance_name,
        "uid": metadata.instance_uid,
        "blockOwnerDeletion": True,
    }
    described: Manifest = {
        "name": task.instance_of(metadata.instance_name),
        "namespace": metadata.instance_namespace,
        "labels": {HERITAGE: "kudo", OPERATOR: operator},
        **pending_plan_metadata(DEPLOY),
    }
    if metadata.instance_uid:
        described["ownerReferences"] = [owner]
    spec = {"operatorVersion": {"name": task.operator_version_name}, "parameters": dict(parameters)}
    return Object.of(API_VERSION, "Instance", described, spec=spec)


async def _require_ours(cluster: Cluster, there: Object, parent: Object, version: OperatorVersion) -> None:
    """Refuse an Instance that another one owns, that is of another operator, or that we are a child of."""
    what = f"The instance {there.name} in the namespace {there.namespace}"
    above_it = owners(there)
    if above_it and parent.uid not in [owner.text("uid") for owner in above_it]:
        raise RequestError(f"{what} belongs to the instance {above_it[0].text('name')}, not to {parent.name}.")
    if (operator := there.labels.get(OPERATOR, version.spec.operator.name)) != version.spec.operator.name:
        raise RequestError(f"{what} is of the operator {operator}, not of {version.spec.operator.name}.")
    above: Object | None = parent
    while above is not None:
        if above.uid == there.uid:
            raise RequestError(f"{what} would be a child of its own.")
        names = [owner.text("name") for owner in owners(above)]
        above = await cluster.get(instance_ref(parent.namespace, names[0])) if names else None
