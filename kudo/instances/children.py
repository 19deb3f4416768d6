"""The child Instances of KudoOperator tasks (KUDO's `pkg/engine/task/task_kudo_operator.go`)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kudo.errors import ForeignObject, InvalidOperatorVersion, RequestError, TaskBuildError
from kudo.instances.change import compute_change
from kudo.instances.owners import owners
from kudo.instances.parameters import check_parameters, read_values, with_fixed
from kudo.instances.pending_plan import pending_plan_metadata
from kudo.instances.resources import find_operator_version, instance_ref, parse_instance, require_instance
from kudo.manifests import instance_variables, source_of
from kudo.model.annotations import ADOPT, HERITAGE, OPERATOR
from kudo.model.base import Manifest
from kudo.model.execution import PlanRequest, PreparedChild, TaskRequest, Variables
from kudo.model.objects import Object
from kudo.model.plans import DEPLOY
from kudo.model.resources import API_VERSION, Instance, OperatorVersion
from kudo.model.status import ExecutionStatus
from kudo.model.tasks import KudoOperatorTask
from kudo.templates import Renderer, render_all

if TYPE_CHECKING:
    from kudo.kubernetes import Cluster


async def prepare_child(
    cluster: "Cluster", renderer: Renderer, request: TaskRequest, *, adopt: bool = False
) -> PreparedChild:
    """Create or change the Instance of a KudoOperator task, and return which of its plans has to run.

    An Instance without a parent needs consent, as other objects do. Safe to repeat. Raises TaskRenderingError,
    InvalidParams, InvalidOperatorVersion, RequestError or ForeignObject if the Instance belongs to another parent or
    operator, or to none, and the errors of reading and writing a cluster.
    """
    task = operator_task(request)
    parent = await require_instance(cluster, request.metadata)
    ref = instance_ref(parent.namespace, task.instance_of(parent.name))
    parameters = await child_parameters(renderer, request)
    version = await find_operator_version(cluster, parent.namespace, task.operator_version_name)
    if version is None:
        raise InvalidOperatorVersion(
            f"The task {task.name} needs the OperatorVersion {task.operator_version_name}, which does not exist in the "
            f"namespace {parent.namespace}. Install the package {request.metadata.operator_name} again, which contains "
            f"it: `kudo install PACKAGE --skip-instance --namespace {parent.namespace}`."
        )
    existing = await cluster.get(ref)
    what = f"the parameters of the instance {ref.name}"
    if existing is None:
        await renderer.run(what, check_parameters, version.spec.parameters, parameters)
        values = with_fixed(version.spec.parameters, parameters)
        await cluster.create(child_instance(request, version.spec.operator.name, values))
        return _run(request, ref.name, DEPLOY)
    await _require_owned(cluster, existing, parent, version, adopt=adopt)
    child = parse_instance(existing)
    current = await find_operator_version(cluster, parent.namespace, child.spec.operator_version.name) or version
    change = await renderer.run(what, compute_change, child, current, version, parameters)
    plan = change.plan if _is_deployed(child) else DEPLOY
    if change.spec or change.pending != (plan or ""):
        metadata = {**pending_plan_metadata(plan or ""), "resourceVersion": existing.resource_version}
        await cluster.patch(ref, {"metadata": metadata, "spec": change.spec})
    recorded = child.status.plan_status.get(plan or "")
    left = recorded is not None and recorded.status is not ExecutionStatus.COMPLETE
    return _run(request, ref.name, plan, resume=request.resume and left and not change.spec)


def _is_deployed(child: Instance) -> bool:
    deployed = child.status.plan_status.get(DEPLOY)
    return deployed is not None and deployed.status is ExecutionStatus.COMPLETE


def _run(request: TaskRequest, instance: str, plan: str | None, *, resume: bool = False) -> PreparedChild:
    namespace = request.metadata.instance_namespace
    return PreparedChild(
        instance=instance,
        plan=PlanRequest(namespace=namespace, instance=instance, plan=plan, resume=resume) if plan else None,
    )


def operator_task(request: TaskRequest) -> KudoOperatorTask:
    """Return the KudoOperator task of a request. Raises TaskBuildError for a task of another kind."""
    if not isinstance(request.task, KudoOperatorTask):
        raise TaskBuildError(f"The task {request.task.name} is not a KudoOperator task.")
    return request.task


async def child_parameters(renderer: Renderer, request: TaskRequest) -> dict[str, str]:
    """Return the values of a task's parameter file. Raises TaskRenderingError, or InvalidParams if it is not a map."""
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
    path, sources = f"templates/{file}", {file: source_of(request, file)}
    return await renderer.run(path, _render_values, path, metadata.api_version, sources, variables)


def _render_values(path: str, api_version: str, sources: Mapping[str, str], variables: Variables) -> dict[str, str]:
    (text,) = render_all(api_version, sources, variables).values()
    return read_values(path, text)


def child_instance(request: TaskRequest, operator: str, parameters: Mapping[str, str]) -> Object:
    """Return the Instance to create; as in KUDO, its parent owns but does not control it."""
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


async def _require_owned(
    cluster: "Cluster", existing: Object, parent: Object, version: OperatorVersion, *, adopt: bool
) -> None:
    """Raise RequestError if an Instance has another parent or operator, or is an ancestor of its parent.

    Raises ForeignObject for one that has no parent, unless there is consent.
    """
    subject = f"The instance {existing.name} in the namespace {existing.namespace}"
    parents = owners(existing)
    if parents and parent.uid not in [owner.text("uid") for owner in parents]:
        raise RequestError(f"{subject} belongs to the instance {parents[0].text('name')}, not to {parent.name}.")
    if (operator := existing.labels.get(OPERATOR, version.spec.operator.name)) != version.spec.operator.name:
        raise RequestError(f"{subject} belongs to the operator {operator}, not to {version.spec.operator.name}.")
    above: Object | None = parent
    while above is not None:
        if above.uid == existing.uid:
            raise RequestError(f"{subject} would be its own child.")
        names = [owner.text("name") for owner in owners(above)]
        above = await cluster.get(instance_ref(parent.namespace, names[0])) if names else None
    if not parents and not adopt and existing.annotations.get(ADOPT) not in (parent.name, "true"):
        raise ForeignObject(
            f"{subject} was not made by the instance {parent.name}, so it is not changed. Choose another instanceName "
            f"in the package, or let {parent.name} adopt it: `kubectl annotate instances.kudo.dev {existing.name} "
            f"{ADOPT}={parent.name} --namespace {existing.namespace}`."
        )
