"""Building the objects of a task from its templates."""

import pytest

from kudo.errors import KindNotFound, ResourceUnmarshalError, TaskRenderingError
from kudo.manifests import enhance_all, or_as_defined, render_objects
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


async def build(renderer: Renderer, request: TaskRequest, resources: list[str]) -> list[Object]:
    rendered = await render_objects(renderer, request, resources)
    return await enhance_all(rendered, request, or_as_defined(namespaced, rendered))


async def namespaced(item: Object) -> bool:
    """Return whether an object is namespaced, in a cluster that serves only the kinds of Kubernetes."""
    if item.group == "example.com":
        raise KindNotFound(f"the cluster serves no {item.kind}")
    return item.kind != "CustomResourceDefinition"


async def test_definition_and_its_resources_are_built_in_one_task(renderer: Renderer) -> None:
    built = await build(renderer, request({"a.yaml": CUSTOM_RESOURCES}), ["a.yaml"])
    assert [(item.kind, item.name, item.namespace, item.has("metadata", "ownerReferences")) for item in built] == [
        ("Shelf", "city-shelf", "town", True),
        ("CustomResourceDefinition", "shelves.example.com", "", False),
        ("Library", "city-library", "", False),
        ("CustomResourceDefinition", "libraries.example.com", "", False),
    ]


async def test_kind_without_definition_is_refused(renderer: Renderer) -> None:
    shelf = "apiVersion: example.com/v1\nkind: Shelf\nmetadata: {name: a}"
    with pytest.raises(KindNotFound, match="the cluster serves no Shelf"):
        await build(renderer, request({"a.yaml": shelf}), ["a.yaml"])


CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: elsewhere}
"""


@pytest.mark.parametrize(
    ("api_version", "group"),
    [
        ("apiextensions.k8s.io/v1", '""'),
        ("apiextensions.k8s.io/v1", "v1"),
        ("example.com/v1", '""'),
        ("v1", '""'),
    ],
)
async def test_definition_does_not_change_the_scope_of_a_served_kind(
    renderer: Renderer, api_version: str, group: str
) -> None:
    definition = (
        f"---\napiVersion: {api_version}\nkind: CustomResourceDefinition\nmetadata: {{name: a}}\n"
        f"spec: {{group: {group}, scope: Cluster, names: {{kind: ConfigMap}}}}\n"
    )
    item, _ = await build(
        renderer, request({"a.yaml": CONFIG_MAP + definition.replace("example.com", "k.io")}), ["a.yaml"]
    )
    assert item.namespace == "town"
    assert item.has("metadata", "ownerReferences")


async def test_definition_of_another_group_does_not_count(renderer: Renderer) -> None:
    shelf = "apiVersion: example.com/v1\nkind: Shelf\nmetadata: {name: a}\n---\n"
    other = (
        DEFINITION.replace("{{ plural }}", "shelves").replace("{{ kind }}", "Shelf").replace("{{ scope }}", "Cluster")
    )
    for changed in (
        other.replace("group: example.com", "group: example.org"),
        other.replace("apiextensions.k8s.io/v1", "other.example.org/v1"),
    ):
        with pytest.raises(KindNotFound):
            await build(renderer, request({"a.yaml": shelf + changed}), ["a.yaml"])


async def test_cluster_scoped_object_gets_no_namespace(renderer: Renderer) -> None:
    library = "apiVersion: example.com/v1\nkind: Library\nmetadata: {name: a, namespace: kube-system}\n---\n"
    definition = DEFINITION.replace("{{ plural }}", "libraries").replace("{{ kind }}", "Library")
    sources = {"a.yaml": library + definition.replace("{{ scope }}", "Cluster")}
    item, _ = await build(renderer, request(sources), ["a.yaml"])
    assert item.namespace == ""


async def test_templates_get_the_variables_of_kudo(renderer: Renderer) -> None:
    (item,) = await build(renderer, request({"a.yaml": ALL_VARIABLES}), ["a.yaml"])
    assert item.manifest["data"] == {
        "seen": "library city town 5.7 1.0.0 deploy main everything",
        "parameter": 1,
        "pipe": "piped",
    }


async def test_api_version_selects_the_template_engine(renderer: Renderer) -> None:
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Name | upper | quote }}}\n"
    (item,) = await build(renderer, request({"a.yaml": template}, "kudo.dev/v1beta1"), ["a.yaml"])
    assert item.name == "CITY"


async def test_named_templates_are_built_in_the_given_order(renderer: Renderer) -> None:
    templates = {name: f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}" for name in ("a", "b", "c")}
    built = await build(renderer, request(templates), ["c", "a"])
    assert [item.name for item in built] == ["c", "a"]
    assert built[0].labels["kudo.dev/instance"] == "city"
    assert await build(renderer, request(templates), []) == []


async def test_missing_template_is_reported(renderer: Renderer) -> None:
    with pytest.raises(TaskRenderingError) as error:
        await build(renderer, request({"a.yaml": ""}), ["b.yaml"])
    assert str(error.value) == "templates/b.yaml does not exist in the operator, but the task app uses it"


async def test_errors_name_the_template(renderer: Renderer) -> None:
    with pytest.raises(TaskRenderingError, match=r"^templates/a\.yaml:1: 'Typo' is undefined$"):
        await build(renderer, request({"a.yaml": "{{ Typo }}"}), ["a.yaml"])
    with pytest.raises(ResourceUnmarshalError, match=r"^templates/b\.yaml did not render to YAML: line 1: "):
        await build(renderer, request({"b.yaml": "a: {{ Name }}: b"}), ["b.yaml"])
