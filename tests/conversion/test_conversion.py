"""Conversion of packages from `kudo.dev/v1beta1` to `kudo.dev/v1`."""

from pathlib import Path

import pytest
from support.command import kudo
from support.plans import Content, apply, phase, plan, write_package

from kudo.conversion.expressions import NotConvertible
from kudo.conversion.template import jinja_of
from kudo.packages import read_package
from kudo.templates.gofunctions import go_functions

OPERATORS = Path(__file__).parents[3] / "shared" / "operators"

TYPES = {"TEXT": "string", "COUNT": "integer", "ON": "boolean", "LIST": "array", "MAP": "map"}


def jinja(source: str, *, exact: bool = False) -> str:
    return jinja_of(source, TYPES, go_functions(), exact=exact)


@pytest.mark.parametrize(
    ("go", "expected"),
    [
        ("a: {{ .Params.TEXT }}", "a: {{ Params.TEXT }}"),
        ("a: {{ $.Name }}-{{.Namespace}}", "a: {{ Name }}-{{ Namespace }}"),
        ("a: {{ .Pipes.key }}", "a: {{ Pipes.key }}"),
        ("{{ if .Params.TEXT }}a{{ else }}b{{ end }}", "{% if Params.TEXT %}a{% else %}b{% endif %}"),
        ('{{ if eq .Params.TEXT "it\'s" }}a{{ end }}', "{% if Params.TEXT == 'it\\'s' %}a{% endif %}"),
        (
            '{{ if eq .Params.TEXT "a" }}1{{ else if ne .Params.TEXT "b" }}2{{ end }}',
            "{% if Params.TEXT == 'a' %}1{% elif Params.TEXT != 'b' %}2{% endif %}",
        ),
        (
            '{{ if or (eq .Params.TEXT "a") (not .Params.ON) }}a{{ end }}',
            "{% if (Params.TEXT == 'a') or (not Params.ON) %}a{% endif %}",
        ),
        ("{{ if lt (int .Params.COUNT) 3 }}a{{ end }}", "{% if (Params.COUNT | int) < 3 %}a{% endif %}"),
        ("{{ .Params.COUNT | mul 2 }}", "{{ 2 * (Params.COUNT | int) }}"),
        ("{{ add (int $.Params.COUNT) 1 }}", "{{ (Params.COUNT | int) + 1 }}"),
        ("{{ .Params.TEXT | upper | quote }}", "{{ (Params.TEXT | upper) | quote }}"),
        ('{{ .Params.TEXT | default "x" }}', "{{ Params.TEXT | default('x', true) }}"),
        ("{{ toYaml .Params.MAP }}", "{{ Params.MAP | to_yaml }}"),
        (
            "{{ range $i, $v := until (int .Params.COUNT) }}{{ $i }}{{ $v }}{{ $.Name }}{{ end }}",
            "{% for v in range((Params.COUNT | int)) %}{{ loop.index0 }}{{ v }}{{ Name }}{% endfor %}",
        ),
        ("{{ range untilStep 1 3 1 }}{{ . }}{{ end }}", "{% for item in range(1, 3, 1) %}{{ item }}{% endfor %}"),
        ("{{- $root := . -}}\na: {{ $root.Name }}", "a: {{ Name }}"),
        ("{{ $x := .Params.TEXT }}{{ $x }}", "{{ Params.TEXT }}"),
        ("{{ with .Params.TEXT }}{{ . }}{{ end }}", "{% if Params.TEXT %}{{ Params.TEXT }}{% endif %}"),
        ("a: {{ `{{` }}{%x%}", "a: {{ '{{' }}{{ '{%' }}x%}"),
        (
            "{{ range $k, $v := .Params.MAP }}{{ $k }}{{ end }}",
            "{% for k, v in Params.MAP | dictsort(true) %}{{ k }}{% endfor %}",
        ),
    ],
)
def test_go_template_is_converted(go: str, expected: str) -> None:
    assert jinja(go) == expected


def test_exact_conversion_keeps_white_space() -> None:
    assert jinja("{{ if .Params.ON }}\na\n{{ end }}\n", exact=True) == "{% if Params.ON +%}\na\n{% endif +%}\n"
    assert jinja("  {{ if .Params.ON }}\n  a{{ end }}\n", exact=True) == "  {%+ if Params.ON +%}\n  a{% endif +%}\n"


def test_line_end_after_an_inline_tag_is_kept() -> None:
    converted = jinja("a: {{ if .Params.ON }}b{{ else }}c{{ end }}\nnext: d\n")
    assert converted == "a: {% if Params.ON %}b{% else %}c{% endif +%}\nnext: d\n"


def test_variables_of_nested_loops_do_not_collide() -> None:
    source = (
        "{{ range $k, $v := .Params.MAP }}{{ $o := $k }}{{ range $k, $w := $.Params.MAP }}{{ $o }}{{ end }}{{ end }}"
    )
    assert jinja(source) == (
        "{% for k, v in Params.MAP | dictsort(true) %}{% for k_, w in Params.MAP | dictsort(true) %}{{ k }}"
        "{% endfor %}{% endfor %}"
    )
    inner = "{{ if $.Params.ON }}{{ range $.Params.LIST }}{{ $i }}{{ end }}{{ end }}"
    with pytest.raises(NotConvertible, match="a loop inside a loop with an index"):
        jinja("{{ range $i, $a := .Params.LIST }}" + inner + "{{ end }}")


@pytest.mark.parametrize(
    ("go", "reason"),
    [
        ("{{ .Params.MAP }}", "the output of a value of type map"),
        ("{{ .Params.NONE }}", "the field Params.NONE, whose type is unknown"),
        ('{{ genCA "x" 3 }}', "the function genCA with these arguments"),
        ("{{ if eq .Params.TEXT 3 }}a{{ end }}", "the function eq with these arguments"),
        ("{{ $x := 1 }}{{ $x = 2 }}", "a variable that is reassigned"),
        ('{{ define "t" }}a{{ end }}{{ template "t" . }}', "the definition of a template"),
        ("{{ range .Params.LIST }}{{ .name }}{{ end }}", "the field name, whose type is unknown"),
        ("{{ range .Params.LIST }}{{ . }}{{ end }}", "the output of a value of type unknown"),
        ("{{ toYaml . }}", "the function toYaml with these arguments"),
    ],
)
def test_template_that_cannot_be_converted_with_certainty_is_refused(go: str, reason: str) -> None:
    with pytest.raises(NotConvertible) as raised:
        jinja(go)
    assert str(raised.value) == reason


CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Name }}
data:
  {{ if eq .Params.ON "true" }}
  on: "yes"
  {{ end }}
  text: |
    a
    {{ if .Params.TEXT }}
    {{ .Params.TEXT }}
    {{ end }}
    b
"""


def package(directory: Path, **templates: str) -> Path:
    parameters: list[Content] = [
        {"name": "ON", "type": "boolean", "default": True},
        {"name": "TEXT", "default": "x"},
        {"name": "MAP", "type": "map", "default": {"a": "b"}},
    ]
    return write_package(
        directory,
        tasks=[apply("all", *(f"{name}.yaml" for name in templates))],
        plans={"deploy": plan(phase("main", ("a", ["all"])))},
        params=parameters,
        templates={f"{name}.yaml": text for name, text in templates.items()},
        api_version="kudo.dev/v1beta1",
    )


async def test_package_is_converted(tmp_path: Path) -> None:
    root = package(tmp_path, config=CONFIG)
    (root / "docs").mkdir()
    (root / "docs" / "README.md").write_text("# {{ .Name }}\n")
    result = await kudo("package", "convert", root, tmp_path / "new")
    assert (result.status, result.err) == (0, "")
    assert result.out == f"{tmp_path / 'new'} has 1 template in Jinja2.\n"
    converted_package = read_package(tmp_path / "new")
    assert converted_package.operator.api_version == converted_package.params.api_version == "kudo.dev/v1"
    assert "{%+ if Params.TEXT +%}" in converted_package.templates["config.yaml"]
    assert (tmp_path / "new" / "docs" / "README.md").read_text() == "# {{ .Name }}\n"
    again = await kudo("package", "convert", tmp_path / "new", tmp_path / "newer")
    assert again.err == f"Error: {tmp_path / 'new'} is already a package of kudo.dev/v1.\n"
    there = await kudo("package", "convert", root, tmp_path / "new")
    assert there.err == f"Error: {tmp_path / 'new'} already exists and is not an empty directory.\n"


async def test_unconverted_parts_are_listed(tmp_path: Path) -> None:
    bad = CONFIG.replace('on: "yes"', "on: {{ .Params.MAP }}")
    root = package(tmp_path, config=CONFIG, other=bad)
    operator = root / "operator.yaml"
    operator.write_text(operator.read_text() + "unheardOf: 1\n")
    result = await kudo("package", "convert", root, tmp_path / "new")
    assert result.status == 1
    assert result.err.splitlines() == [
        "Convert manually:",
        "  - templates/other.yaml:7: cannot convert the output of a value of type map",
        "  - operator.yaml: unheardOf: unknown field",
    ]
    assert (tmp_path / "new" / "templates" / "other.yaml").read_text() == bad


@pytest.mark.skipif(not OPERATORS.is_dir(), reason=f"the packages of the public collection are not at {OPERATORS}")
@pytest.mark.parametrize("operator", ["cowsay", "first-operator", "mysql", "redis", "zookeeper"])
async def test_public_packages_are_converted_completely(tmp_path: Path, operator: str) -> None:
    result = await kudo("package", "convert", OPERATORS / operator, tmp_path / operator)
    assert (result.status, result.err) == (0, "")
    verified = await kudo("package", "verify", tmp_path / operator)
    assert (verified.status, verified.out.endswith("is valid.\n")) == (0, True)


OLD_TEMPLATES = {
    "pdb.yaml": """
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata:
  name: {{ .Name }}-pdb  # named after the instance
spec:
  selector: {matchLabels: {app: {{ .Name }}}}
  minAvailable: {{ .Params.COUNT }}
""",
    "ingress.yaml": """
{{ if eq .Params.ON "true" }}
apiVersion: extensions/v1beta1
kind: Ingress
metadata:
  name: "{{ .Name }}"
spec:
  rules:
  - host: {{ .Params.TEXT }}
    http:
      paths:
      - path: /
        backend: {serviceName: {{ .Name }}-svc, servicePort: {{ .Params.COUNT }}}
{{ end }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Name }}}
""",
    "psp.yaml": "{apiVersion: policy/v1beta1, kind: PodSecurityPolicy, metadata: {name: a}}\n",
    "optional.yaml": """
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata: {name: b}
spec:
  rules:
  - host: a.b
    http: {paths: [{backend: {serviceName: a, servicePort: 80}}]}
{{ if eq .Params.ON "true" }}
  - host: b.c
{{ end }}
""",
}


async def test_removed_api_versions_are_rewritten(tmp_path: Path) -> None:
    parameters: list[Content] = [
        {"name": "TEXT", "default": "a.example.com"},
        {"name": "COUNT", "type": "integer", "default": 3},
        {"name": "ON", "type": "boolean", "default": True},
    ]
    source = write_package(
        tmp_path / "old",
        tasks=[apply("all", *OLD_TEMPLATES)],
        plans={"deploy": plan(phase("main", ("all", ["all"])))},
        params=parameters,
        templates=OLD_TEMPLATES,
        api_version="kudo.dev/v1beta1",
    )
    converted = await kudo("package", "convert", str(source), str(tmp_path / "new"), "--kubernetes", "1.37")
    assert (converted.status, converted.err.splitlines()) == (
        1,
        [
            "Convert manually:",
            "  - templates/optional.yaml: Ingress of networking.k8s.io/v1beta1: change the API version and the fields "
            "that differ in the new one",
            "  - templates/psp.yaml: PodSecurityPolicy a: policy/v1beta1 cannot be rewritten: nothing took its place",
        ],
    )
    templates = tmp_path / "new" / "templates"
    assert (
        (templates / "pdb.yaml").read_text()
        == """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ Name }}-pdb  # named after the instance
spec:
  selector: {matchLabels: {app: {{ Name }}}}
  minAvailable: {{ Params.COUNT }}
"""
    )
    ingress = (templates / "ingress.yaml").read_text()
    assert "\napiVersion: networking.k8s.io/v1\n" in ingress
    assert "number: {{ Params.COUNT }}" in ingress
    verified = await kudo("package", "verify", str(tmp_path / "new"))
    assert sorted(line for line in verified.err.splitlines() if "since Kubernetes" in line) == [
        "Warning: templates/optional.yaml: Ingress b: networking.k8s.io/v1beta1 does not exist since Kubernetes 1.22; "
        "use networking.k8s.io/v1",
        "Warning: templates/psp.yaml: PodSecurityPolicy a: policy/v1beta1 does not exist since Kubernetes 1.25; "
        "nothing took its place",
    ]
    assert (
        "since Kubernetes" not in (await kudo("package", "verify", str(tmp_path / "new"), "--kubernetes", "1.21")).err
    )


async def test_api_versions_are_kept_without_a_version_of_kubernetes(tmp_path: Path) -> None:
    source = write_package(
        tmp_path / "old",
        tasks=[apply("all", "pdb.yaml")],
        plans={"deploy": plan(phase("main", ("all", ["all"])))},
        params=[{"name": "COUNT", "type": "integer", "default": 3}],
        templates={"pdb.yaml": OLD_TEMPLATES["pdb.yaml"]},
        api_version="kudo.dev/v1beta1",
    )
    assert (await kudo("package", "convert", str(source), str(tmp_path / "new"))).status == 0
    assert "policy/v1beta1" in (tmp_path / "new" / "templates" / "pdb.yaml").read_text()
    refused = await kudo("package", "convert", str(source), str(tmp_path / "other"), "--kubernetes", "latest")
    assert "must be a version of Kubernetes such as 1.37" in refused.err
