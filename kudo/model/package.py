"""An operator package: operator.yaml, params.yaml and templates."""

import re
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from kudo.model.base import OMIT_EMPTY, Model, Name, PartName, Text
from kudo.model.parameter_types import ParameterType
from kudo.model.plans import Plan, conditions
from kudo.model.resources import Maintainer
from kudo.model.tasks import Task, operator_version_name

Dialect = Literal["kudo.dev/v1beta1", "kudo.dev/v1"]
DIALECTS: tuple[str, ...] = get_args(Dialect)

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
"""The name of an object in Kubernetes, which may have up to 253 characters."""

MAX_LABEL = 63
"""Maximum length of the value of a label, which the names of operators and instances become."""


class OperatorFile(Model):
    """operator.yaml: the name of an operator, its versions, tasks and plans."""

    api_version: Dialect = "kudo.dev/v1beta1"
    """The dialect of the package; it must be the same in operator.yaml and params.yaml."""
    name: Name
    """The name of the operator: lower case letters, digits, '-' and '.'."""
    description: Text = ""
    """A sentence about the operator."""
    operator_version: Name
    """The version of the package."""
    app_version: Text = ""
    """The version of the application that the operator runs."""
    kudo_version: Text = ""
    """The version of KUDO that the package was written for; not used here."""
    kubernetes_version: Text = ""
    """The oldest version of Kubernetes that the package supports."""
    maintainers: Annotated[list[Maintainer], OMIT_EMPTY] = []
    """The people who maintain the operator."""
    url: Text = ""
    """The home page of the operator."""
    tasks: list[Task] = []
    """The tasks that steps name."""
    plans: dict[PartName, Plan]
    """The plans by name. An install needs the plan deploy."""
    namespace_manifest: Text = ""
    """The template of the Namespace that `kudo install --create-namespace` creates."""

    def conditions(self) -> dict[str, str]:
        """Return the conditions of all plans and tasks, by their location in operator.yaml."""
        found: dict[str, str] = {}
        for name, plan in self.plans.items():
            found |= conditions(name, plan, self.tasks)
        return found

    @field_validator("name")
    @classmethod
    def _usable_in_object_names(cls, name: str) -> str:
        if not SUBDOMAIN.fullmatch(name):
            raise ValueError(
                "must consist of lower case letters, digits, '-' and '.', and start and end with a letter or digit, "
                "because objects are named after it"
            )
        if len(name) > MAX_LABEL:
            raise ValueError(f"must have at most {MAX_LABEL} characters, because it is the value of a label")
        return name

    @model_validator(mode="after")
    def _has_usable_versions(self) -> Self:
        for field, version in (("operatorVersion", self.operator_version), ("appVersion", self.app_version)):
            if version and not SUBDOMAIN.fullmatch(f"a-{version}"):
                raise ValueError(
                    f"{field}: {version!r} must consist of lower case letters, digits, '-' and '.', because the "
                    "OperatorVersion is named after it"
                )
        name = operator_version_name(self.name, self.app_version, self.operator_version)
        if len(name) > 253:
            raise ValueError(f"the OperatorVersion would be named {name}, but a name has at most 253 characters")
        return self


class ParameterDefinition(Model):
    """A parameter as a package author writes it: the default is a YAML value of any type."""

    name: Name
    """The name of the parameter in templates and in `-p NAME=VALUE`."""
    display_name: Text = ""
    """The name of the parameter in a user interface."""
    description: Text = ""
    """The purpose of the parameter."""
    required: bool = True
    """Whether the parameter must have a value, from the user or as its default."""
    default: Any = None
    """The value that the parameter has if the user gives none."""
    trigger: Text = ""
    """The plan that runs when the value changes; without it update, or deploy if there is no plan update."""
    type: ParameterType = "string"
    """The type of the value. Templates receive arrays and maps as such, and everything else as a string."""
    immutable: bool = False
    """Whether the value is fixed once the instance is installed."""
    enum: list[Any] | None = None
    """The values that are allowed."""
    group: Text = ""
    """The group of the parameter in a user interface."""
    advanced: bool = False
    """Whether a user interface hides the parameter at first."""
    hint: Text = ""
    """A hint for the user of a user interface."""


class ParameterGroup(Model):
    """A group of parameters in a user interface."""

    name: Name
    """The name that parameters give as their `group`."""
    display_name: Text = ""
    """The name of the group in a user interface."""
    description: Text = ""
    """The purpose of the parameters of the group."""
    priority: int = Field(default=0, alias="prio")
    """The position among the groups."""


class ParamsFile(Model):
    """params.yaml: the parameters of an operator."""

    api_version: Dialect = "kudo.dev/v1beta1"
    """The dialect of the package; it must be the same in operator.yaml and params.yaml."""
    groups: list[ParameterGroup] = []
    """The groups of parameters in a user interface."""
    parameters: list[ParameterDefinition] = []
    """The parameters."""


class Package(Model):
    """The contents of a package."""

    operator: OperatorFile
    params: ParamsFile
    templates: dict[str, str]
    """Sources of templates by name, relative to `templates/`."""
    duplicate_keys: list[str] = []
    """Keys that a file has twice, as `file: line N: key`; KUDO takes the last."""
    ignored_fields: list[str] = []
    """Unknown fields, as `file: field: hint`, which KUDO's dialect ignores."""

    rewrite_api_versions: bool = False
    """Whether objects are rewritten to API versions that Kubernetes serves; chosen when the package is installed."""

    @property
    def operator_version_name(self) -> str:
        """The name of the OperatorVersion that is created from the package."""
        operator = self.operator
        return operator_version_name(operator.name, operator.app_version, operator.operator_version)
