"""An operator package: operator.yaml, params.yaml and templates."""

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator

from kudo.model.base import OMIT_EMPTY, Model, Name, Text
from kudo.model.parameters import ParameterType
from kudo.model.plans import Plan, conditions
from kudo.model.resources import Maintainer
from kudo.model.tasks import Task, operator_version_name

Dialect = Literal["kudo.dev/v1beta1", "kudo.dev/v1"]
DIALECTS: tuple[str, ...] = get_args(Dialect)

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


class OperatorFile(Model):
    """operator.yaml."""

    api_version: Dialect = "kudo.dev/v1beta1"
    name: Name
    description: Text = ""
    operator_version: Name
    app_version: Text = ""
    kudo_version: Text = ""
    kubernetes_version: Text = ""
    maintainers: Annotated[list[Maintainer], OMIT_EMPTY] = []
    url: Text = ""
    tasks: list[Task] = []
    plans: dict[str, Plan]
    namespace_manifest: Text = ""

    def conditions(self) -> dict[str, str]:
        """Return the conditions of all plans and tasks, by their location in operator.yaml."""
        found: dict[str, str] = {}
        for name, plan in self.plans.items():
            found |= conditions(name, plan, self.tasks)
        return found

    @field_validator("name")
    @classmethod
    def _usable_in_object_names(cls, name: str) -> str:
        if not DNS_LABEL.fullmatch(name):
            raise ValueError(
                "must consist of lower case letters, digits, '-' and '.', and start and end with a letter or digit, "
                "because objects are named after it"
            )
        return name


class ParameterDefinition(Model):
    """A parameter as a package author writes it: the default is a YAML value of any type."""

    name: Name
    display_name: Text = ""
    description: Text = ""
    required: bool = True
    default: Any = None
    trigger: Text = ""
    type: ParameterType = "string"
    immutable: bool = False
    enum: list[Any] | None = None
    group: Text = ""
    advanced: bool = False
    hint: Text = ""


class ParameterGroup(Model):
    """A group of parameters in a user interface."""

    name: Name
    display_name: Text = ""
    description: Text = ""
    priority: int = Field(default=0, alias="prio")


class ParamsFile(Model):
    """params.yaml."""

    api_version: Dialect = "kudo.dev/v1beta1"
    groups: list[ParameterGroup] = []
    parameters: list[ParameterDefinition] = []


class Package(Model):
    """The contents of a package."""

    operator: OperatorFile
    params: ParamsFile
    templates: dict[str, str]
    """Sources of templates by name, relative to `templates/`."""

    @property
    def operator_version_name(self) -> str:
        """The name of the OperatorVersion that is created from the package."""
        operator = self.operator
        return operator_version_name(operator.name, operator.app_version, operator.operator_version)
