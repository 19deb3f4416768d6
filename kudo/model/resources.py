"""KUDO's custom resources, `kudo.dev/v1beta1`, with the fields that this project reads and writes."""

from typing import Annotated, Any

from kudo.model.base import OMIT_EMPTY, Model, Name, Text
from kudo.model.parameters import Parameter
from kudo.model.status import PlanStatus

API_VERSION = "kudo.dev/v1beta1"


class Maintainer(Model):
    """A person who maintains an operator."""

    name: Text = ""
    """The name of the maintainer."""
    email: Text = ""
    """The e-mail address of the maintainer."""


class Reference(Model):
    """A reference to another object in the same namespace."""

    name: Text = ""


class OperatorSpec(Model):
    """The description of an operator, across its versions."""

    description: Text = ""
    kudo_version: Text = ""
    kubernetes_version: Text = ""
    maintainers: Annotated[list[Maintainer], OMIT_EMPTY] = []
    url: Text = ""
    namespace_manifest: Text = ""


class OperatorVersionSpec(Model):
    """One version of an operator: its templates, tasks, parameters and plans.

    Tasks and plans are not validated here, so that a malformed one affects only the runs that use it.
    """

    operator: Reference = Reference()
    version: Text = ""
    app_version: Text = ""
    package_api_version: Text = ""
    """The dialect of the package; an addition to KUDO's fields, empty for KUDO's own dialect."""
    rewrite_api_versions: Annotated[bool, OMIT_EMPTY] = False
    """Whether objects are rewritten to API versions that Kubernetes serves; an addition to KUDO's fields."""
    templates: Annotated[dict[str, str], OMIT_EMPTY] = {}
    tasks: Annotated[list[dict[str, Any]], OMIT_EMPTY] = []
    parameters: Annotated[list[Parameter], OMIT_EMPTY] = []
    plans: Annotated[dict[str, dict[str, Any]], OMIT_EMPTY] = {}
    connection_string: Text = ""
    upgradable_from: Annotated[list[Reference], OMIT_EMPTY] = []


class InstanceSpec(Model):
    """The OperatorVersion of an Instance and its parameters."""

    operator_version: Reference = Reference()
    parameters: Annotated[dict[str, str], OMIT_EMPTY] = {}


class InstanceStatus(Model):
    """The status of every plan of an Instance."""

    plan_status: dict[str, PlanStatus] = {}

    @property
    def last_plan(self) -> PlanStatus | None:
        """The status of the plan that ran last; None if no plan is recorded."""
        return max(self.plan_status.values(), key=_last_updated, default=None)


def _last_updated(status: PlanStatus) -> float:
    return status.last_updated_timestamp.timestamp() if status.last_updated_timestamp else 0.0


class ObjectMeta(Model):
    name: Name
    namespace: Text = ""
    uid: Text = ""
    resource_version: Text = ""
    annotations: Annotated[dict[str, str], OMIT_EMPTY] = {}


class Instance(Model):
    """An installed operator."""

    metadata: ObjectMeta
    spec: InstanceSpec
    status: InstanceStatus = InstanceStatus()

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace


class OperatorVersion(Model):
    """One version of an operator in a cluster."""

    metadata: ObjectMeta
    spec: OperatorVersionSpec
