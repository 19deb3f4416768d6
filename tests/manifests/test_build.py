"""Building the objects of a task from its templates."""

import pytest

from kudo.errors import KindNotFound, ResourceUnmarshalError, TaskRenderingError
from kudo.manifests import build
from kudo.model.execution import TaskRequest
from kudo.model.objects import Object
from kudo.templates import Renderer

DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: {{ plural }}.example.com
spec:
  group: example.com
  scope: {{ scope }}
  names: {kind: {{ kind }}, plural: {{ plural }}}
"""

CUSTOM_RESOURCES = """\
apiVersion: example.com/v1
kind: Shelf
metadata:
  name: {{ Name }}-shelf
---
{% set kind, plural, scope = "Shelf", "shelves", "Namespaced" %}
DEFINITION
---
apiVersion: example.com/v1
kind: Library
metadata:
  name: {{ Name }}-library
---
{% set kind, plural, scope = "Library", "libraries", "Cluster" %}
DEFINITION
""".replace("DEFINITION\n", DEFINITION)

ALL_VARIABLES = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ Name }}
data:
  seen: {{ [OperatorName, Name, Namespace, AppVersion, OperatorVersion, PlanName, PhaseName, StepName] | join(" ") }}
  parameter: {{ Params.A }}
  pipe: {{ Pipes.key }}
"""


def request(templates: dict[str, str], api_version: str = "kudo.dev/v1") -> TaskRequest:
    return TaskRequest.model_validate(
        {
            "phase": "main",
            "step": "everything",
            "task": {"name": "app", "kind": "Apply", "spec": {"resources": list(templates)}},
            "templates": templates,
            "params": {"A": "1"},
            "pipes": {"key": "piped"},
            "metadata": {
                "operatorName": "library",
                "operatorVersionName": "library-1.0.0",
                "operatorVersion": "1.0.0",
                "appVersion": "5.7",
                "instanceName": "city",
                "instanceNamespace": "town",
                "instanceUid": "2c2a",
                "planName": "deploy",
                "planUid": "e1",
                "apiVersion": api_version,
            },
        }
    )


async def namespaced(item: Object) -> bool:
    """Return whether an object is namespaced, in a cluster that serves only the kinds of Kubernetes."""
    if item.group == "example.com":
        raise KindNotFound(f"the cluster serves no {item.kind}")
    return item.kind != "CustomResourceDefinition"


async def test_definition_and_its_resources_are_built_in_one_task(renderer: Renderer) -> None:
    built = await build(renderer, request({"a.yaml": CUSTOM_RESOURCES}), ["a.yaml"], namespaced)
    assert [(item.kind, item.name, item.namespace, item.has("metadata", "ownerReferences")) for item in built] == [
        ("Shelf", "city-shelf", "town", True),
        ("CustomResourceDefinition", "shelves.example.com", "", False),
        ("Library", "city-library", "", False),
        ("CustomResourceDefinition", "libraries.example.com", "", False),
    ]


async def test_kind_without_definition_is_refused(renderer: Renderer) -> None:
    shelf = "apiVersion: example.com/v1\nkind: Shelf\nmetadata: {name: a}"
    with pytest.raises(KindNotFound, match="the cluster serves no Shelf"):
        await build(renderer, request({"a.yaml": shelf}), ["a.yaml"], namespaced)


async def test_templates_get_the_variables_of_kudo(renderer: Renderer) -> None:
    (item,) = await build(renderer, request({"a.yaml": ALL_VARIABLES}), ["a.yaml"], namespaced)
    assert item.manifest["data"] == {
        "seen": "library city town 5.7 1.0.0 deploy main everything",
        "parameter": 1,
        "pipe": "piped",
    }


async def test_api_version_selects_the_template_engine(renderer: Renderer) -> None:
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Name | upper | quote }}}\n"
    (item,) = await build(renderer, request({"a.yaml": template}, "kudo.dev/v1beta1"), ["a.yaml"], namespaced)
    assert item.name == "CITY"


async def test_named_templates_are_built_in_the_given_order(renderer: Renderer) -> None:
    templates = {name: f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}" for name in ("a", "b", "c")}
    built = await build(renderer, request(templates), ["c", "a"], namespaced)
    assert [item.name for item in built] == ["c", "a"]
    assert built[0].labels["kudo.dev/instance"] == "city"
    assert await build(renderer, request(templates), [], namespaced) == []


async def test_missing_template_is_reported(renderer: Renderer) -> None:
    with pytest.raises(TaskRenderingError) as error:
        await build(renderer, request({"a.yaml": ""}), ["b.yaml"], namespaced)
    assert str(error.value) == "templates/b.yaml does not exist in the operator, but the task app uses it"


async def test_errors_name_the_template(renderer: Renderer) -> None:
    with pytest.raises(TaskRenderingError, match=r"^templates/a\.yaml:1: 'Typo' is undefined$"):
        await build(renderer, request({"a.yaml": "{{ Typo }}"}), ["a.yaml"], namespaced)
    with pytest.raises(ResourceUnmarshalError, match=r"^templates/b\.yaml did not render to YAML: line 1: "):
        await build(renderer, request({"b.yaml": "a: {{ Name }}: b"}), ["b.yaml"], namespaced)
