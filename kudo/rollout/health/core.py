"""Health of claims, Services, namespaces, CustomResourceDefinitions, APIServices and Instances."""

from kudo.model.objects import Object
from kudo.model.resources import InstanceStatus
from kudo.model.status import ExecutionStatus
from kudo.rollout.health.state import HEALTHY, Health, condition_text, failed, waiting


def claim(item: Object) -> Health:
    phase = item.text("status", "phase", default="Pending")
    if phase == "Lost":
        return failed("the volume is lost")
    return HEALTHY if phase == "Bound" else waiting(f"it is {phase}")


def service(item: Object) -> Health:
    kind = item.text("spec", "type", default="ClusterIP")
    if kind == "ExternalName":
        return HEALTHY
    if not item.text("spec", "clusterIP"):
        return waiting("it has no cluster IP yet")
    exposed = item.children("status", "loadBalancer", "ingress") or item.has("spec", "externalIPs")
    if kind == "LoadBalancer" and not exposed:
        return waiting("its load balancer has no address yet")
    return HEALTHY


def definition(item: Object) -> Health:
    accepted = item.condition("NamesAccepted")
    if accepted.text("status") == "False":
        return failed(condition_text(accepted))
    if item.condition("Established").text("status") != "True":
        return waiting("it is not established yet")
    return HEALTHY


def api_service(item: Object) -> Health:
    available = item.condition("Available")
    return HEALTHY if available.text("status") == "True" else waiting(condition_text(available))


def namespace(item: Object) -> Health:
    phase = item.text("status", "phase")
    return HEALTHY if phase == "Active" else waiting(f"it is {phase or 'new'}")


def instance(item: Object) -> Health:
    """Return the health of an Instance, by the plan that ran last."""
    last = InstanceStatus.model_validate(item.child("status").manifest).last_plan
    if last is None:
        return waiting("none of its plans has started yet")
    reason = f"its plan {last.name} is {last.status}"
    if last.status in (ExecutionStatus.FATAL_ERROR, ExecutionStatus.CANCELLED):
        return failed(": ".join(filter(None, (reason, last.message))))
    return HEALTHY if last.status is ExecutionStatus.COMPLETE else waiting(reason)
