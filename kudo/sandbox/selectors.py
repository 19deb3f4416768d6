"""Label and field selectors."""

import re
from collections.abc import Callable, Sequence

from kudo.sandbox.objects import Object, dig
from kudo.sandbox.status import bad_request

Matcher = Callable[[Object], bool]

OPERATORS: dict[str, Callable[[dict[str, str], str, Sequence[str]], bool]] = {
    "In": lambda labels, key, values: labels.get(key) in values,
    "NotIn": lambda labels, key, values: labels.get(key) not in values,
    "Exists": lambda labels, key, _: key in labels,
    "DoesNotExist": lambda labels, key, _: key not in labels,
}

_SPLIT = re.compile(r",(?![^(]*\))")
_SET = re.compile(r"^(\S+)\s+(in|notin)\s+\(([^)]*)\)$")
_EQUALITY = re.compile(r"^([^\s=!,()]+)\s*(==|=|!=)\s*([^\s=!,()]*)$")
_EXISTS = re.compile(r"^(!?)\s*([^\s=!,()]+)$")

# Supported field selectors by plural, besides metadata.name and metadata.namespace.
_FIELDS = {
    "pods": ("spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP"),
    "namespaces": ("status.phase",),
    "secrets": ("type",),
    "nodes": ("spec.unschedulable",),
    "jobs": ("status.successful",),
    "replicasets": ("status.replicas",),
    "events": (
        *("reason", "type", "source", "reportingComponent"),
        *(f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")),
        *(f"regarding.{name}" for name in ("kind", "namespace", "name", "uid")),
    ),
}


def matcher(plural: str, labels: str, fields: str) -> Matcher:
    """Return a test of objects for both selectors. Raises ApiError 400 if one is malformed or not supported."""
    by_label = label_selector(labels)
    by_field = field_selector(plural, fields)
    return lambda obj: by_label(dig(obj, "metadata", "labels", default={})) and by_field(obj)


def label_selector(text: str) -> Callable[[dict[str, str]], bool]:
    """Return a test of labels for a selector like `app=web,tier in (a,b),!old`."""
    tests = [_label_test(part.strip()) for part in _SPLIT.split(text) if part.strip()]
    return lambda labels: all(test(labels) for test in tests)


def _label_test(part: str) -> Callable[[dict[str, str]], bool]:
    if found := _SET.match(part):
        key, operator, listed = found.groups()
        values = {value.strip() for value in listed.split(",")}
        return lambda labels: (labels.get(key) in values) == (operator == "in")
    if found := _EQUALITY.match(part):
        key, operator, value = found.groups()
        return lambda labels: (labels.get(key) == value) == (operator != "!=")
    if found := _EXISTS.match(part):
        absent, key = found.groups()
        return lambda labels: (key in labels) != bool(absent)
    raise bad_request(f"unable to parse requirement: found '{part}'")


def matches(selector: Object, labels: dict[str, str]) -> bool:
    """Whether labels match a `LabelSelector` of a workload."""
    wanted: dict[str, str] = selector.get("matchLabels") or {}
    expressions: list[Object] = selector.get("matchExpressions") or []
    return wanted.items() <= labels.items() and all(_fits(labels, item) for item in expressions)


def _fits(labels: dict[str, str], expression: Object) -> bool:
    return OPERATORS[expression["operator"]](labels, expression["key"], expression.get("values") or ())


def field_selector(plural: str, text: str) -> Matcher:
    """Return a test of objects for a selector like `metadata.name=web,status.phase!=Running`."""
    tests = [_field_test(plural, part.strip()) for part in text.split(",") if part.strip()]
    return lambda obj: all(test(obj) for test in tests)


def _field_test(plural: str, part: str) -> Matcher:
    found = re.match(r"^([^=!]+?)(==|=|!=)(.*)$", part)
    if not found:
        raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
    field, operator, value = found.groups()
    if field not in ("metadata.name", "metadata.namespace", *_FIELDS.get(plural, ())):
        raise bad_request(f"field label not supported: {field}")
    path = field.split(".")
    return lambda obj: (str(dig(obj, *path, default="")) == value) == (operator != "!=")
