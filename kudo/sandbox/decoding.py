"""The types of fields, which the API server checks when it decodes an object, before validation.

Only fields that the sandbox reads are listed. Code that handles a decoded object relies on these types.
"""

from collections.abc import Iterator
from typing import Any

from kudo.sandbox.objects import Object, dig
from kudo.sandbox.status import ApiError, bad_request

_JSON_NAMES = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
_MAP, _INT = "map[string]string", "int32"
_TYPES = {"string": str, _INT: int, "bool": bool, "object": dict, "array": list, "[]string": list, _MAP: dict}

Field = tuple[str, str]  # a path, in which [] stands for every item of a list, and the type of the value

# Parents come before their children throughout.
_METADATA: tuple[Field, ...] = (
    ("metadata", "object"),
    *((f"metadata.{name}", "string") for name in ("name", "namespace", "generateName", "uid", "resourceVersion")),
    ("metadata.labels", _MAP),
    ("metadata.annotations", _MAP),
    ("metadata.finalizers", "[]string"),
    ("metadata.managedFields", "array"),
    ("metadata.managedFields.[]", "object"),
    ("metadata.managedFields.[].fieldsV1", "object"),
    ("metadata.ownerReferences", "array"),
    ("metadata.ownerReferences.[]", "object"),
    *((f"metadata.ownerReferences.[].{name}", "string") for name in ("apiVersion", "kind", "name", "uid")),
)
_CONTAINER: tuple[Field, ...] = (
    ("", "array"),
    (".[]", "object"),
    (".[].name", "string"),
    (".[].image", "string"),
    (".[].command", "[]string"),
    (".[].args", "[]string"),
    (".[].env", "array"),
    (".[].env.[]", "object"),
    (".[].env.[].name", "string"),
    (".[].env.[].value", "string"),
    (".[].ports", "array"),
    (".[].ports.[]", "object"),
    (".[].ports.[].containerPort", _INT),
    (".[].volumeMounts", "array"),
    (".[].volumeMounts.[]", "object"),
    (".[].volumeMounts.[].name", "string"),
)
_POD: tuple[Field, ...] = (
    ("", "object"),
    *((f".containers{path}", kind) for path, kind in _CONTAINER),
    *((f".initContainers{path}", kind) for path, kind in _CONTAINER),
    (".restartPolicy", "string"),
    (".nodeName", "string"),
    (".volumes", "array"),
    (".volumes.[]", "object"),
    (".volumes.[].name", "string"),
    (".volumes.[].configMap", "object"),
    (".volumes.[].configMap.name", "string"),
    (".volumes.[].secret", "object"),
    (".volumes.[].secret.secretName", "string"),
    (".volumes.[].persistentVolumeClaim", "object"),
    (".volumes.[].persistentVolumeClaim.claimName", "string"),
)
_TEMPLATE: tuple[Field, ...] = (
    ("", "object"),
    *((f".{path}", kind) for path, kind in _METADATA),
    *((f".spec{path}", kind) for path, kind in _POD),
)
_SELECTOR: tuple[Field, ...] = (
    ("spec.selector", "object"),
    ("spec.selector.matchLabels", _MAP),
    ("spec.selector.matchExpressions", "array"),
    ("spec.selector.matchExpressions.[]", "object"),
    ("spec.selector.matchExpressions.[].key", "string"),
    ("spec.selector.matchExpressions.[].operator", "string"),
    ("spec.selector.matchExpressions.[].values", "[]string"),
)
_CLAIM: tuple[Field, ...] = (
    ("spec", "object"),
    ("spec.accessModes", "[]string"),
    ("spec.volumeName", "string"),
    ("spec.resources", "object"),
    ("spec.resources.requests", "object"),
)
_SPEC: Field = ("spec", "object")
_WORKLOAD: tuple[Field, ...] = (
    _SPEC,
    ("spec.replicas", _INT),
    *_SELECTOR,
    *((f"spec.template{path}", kind) for path, kind in _TEMPLATE),
    ("spec.strategy", "object"),
    ("spec.updateStrategy", "object"),
    ("spec.updateStrategy.rollingUpdate", "object"),
)
_KINDS: dict[str, tuple[Field, ...]] = {
    "ConfigMap": (("data", _MAP),),
    "Secret": (("type", "string"), ("data", _MAP), ("stringData", _MAP)),
    "Pod": tuple((f"spec{path}", kind) for path, kind in _POD),
    "Deployment": _WORKLOAD,
    "ReplicaSet": _WORKLOAD,
    "DaemonSet": _WORKLOAD,
    "StatefulSet": (
        *_WORKLOAD,
        ("spec.serviceName", "string"),
        ("spec.updateStrategy.rollingUpdate.partition", _INT),
        ("spec.ordinals", "object"),
        ("spec.ordinals.start", _INT),
        ("spec.persistentVolumeClaimRetentionPolicy", "object"),
        ("spec.volumeClaimTemplates", "array"),
        ("spec.volumeClaimTemplates.[]", "object"),
        *((f"spec.volumeClaimTemplates.[].{path}", kind) for path, kind in _METADATA + _CLAIM),
    ),
    "Job": (
        *_WORKLOAD,
        *((f"spec.{name}", _INT) for name in ("parallelism", "completions", "backoffLimit")),
        *((f"spec.{name}", _INT) for name in ("activeDeadlineSeconds", "ttlSecondsAfterFinished")),
        ("spec.suspend", "bool"),
    ),
    "CronJob": (
        _SPEC,
        ("spec.jobTemplate", "object"),
        ("spec.jobTemplate.spec", "object"),
        *((f"spec.jobTemplate.spec.template{path}", kind) for path, kind in _TEMPLATE),
    ),
    "Service": (
        _SPEC,
        *((f"spec.{name}", "string") for name in ("type", "clusterIP")),
        ("spec.selector", _MAP),
        ("spec.ports", "array"),
        ("spec.ports.[]", "object"),
        ("spec.ports.[].port", _INT),
        ("spec.ports.[].protocol", "string"),
    ),
    "PersistentVolumeClaim": _CLAIM,
    "PodDisruptionBudget": (_SPEC, *_SELECTOR),
    "RoleBinding": (("roleRef", "object"),),
    "ClusterRoleBinding": (("roleRef", "object"),),
    "CustomResourceDefinition": (
        _SPEC,
        ("spec.group", "string"),
        ("spec.scope", "string"),
        ("spec.names", "object"),
        *((f"spec.names.{name}", "string") for name in ("plural", "singular", "kind")),
        *((f"spec.names.{name}", "[]string") for name in ("shortNames", "categories")),
        ("spec.versions", "array"),
        ("spec.versions.[]", "object"),
        ("spec.versions.[].name", "string"),
        ("spec.versions.[].subresources", "object"),
        ("spec.versions.[].additionalPrinterColumns", "array"),
        ("spec.versions.[].additionalPrinterColumns.[]", "object"),
        *((f"spec.versions.[].additionalPrinterColumns.[].{name}", "string") for name in ("name", "type", "jsonPath")),
    ),
}
# Go structs by field, if they are not named after the kind and the field.
_STRUCTS = {
    "metadata": "ObjectMeta",
    "template": "PodTemplateSpec",
    "containers": "Container",
    "initContainers": "Container",
    "env": "EnvVar",
    "ownerReferences": "OwnerReference",
}


def check(obj: Object, custom: bool) -> None:
    """Check the types of an object's fields. Raises ApiError 400 if a value has a wrong type."""
    for path, expected in (*_METADATA, *(() if custom else _KINDS.get(obj["kind"], (_SPEC,)))):
        for value in _values(obj, path.split(".")):
            _check(obj, value, path, expected)


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        if value is not None:
            yield value
    elif path[0] != "[]":
        yield from _values(dig(value, path[0]), path[1:])
    else:
        # The API server decodes a null in a list as an empty object. The sandbox rejects it.
        for item in value if isinstance(value, list) else ():
            yield from _values("null" if item is None else item, path[1:])


def _check(obj: Object, value: Any, path: str, expected: str) -> None:
    fits = isinstance(value, _TYPES[expected])
    if not fits or (expected == _INT and isinstance(value, bool)):
        raise _wrong(obj, value, path, expected)
    if expected in ("[]string", _MAP):
        items: list[Any] = list(value.values()) if isinstance(value, dict) else list(value)
        for item in items:
            if item is not None and not isinstance(item, str):
                raise _wrong(obj, item, path, "string")


def _wrong(obj: Object, value: Any, path: str, expected: str) -> ApiError:
    kind, version = obj["kind"], obj["apiVersion"].rpartition("/")[2]
    steps = [step for step in path.split(".") if step != "[]"]
    parent = steps[-2] if len(steps) > 1 else ""
    struct = _STRUCTS.get(parent, kind if not parent else f"{kind}{parent[0].upper()}{parent[1:]}")
    found = _JSON_NAMES[type(value)]
    reason = f"json: cannot unmarshal {found} into Go struct field {struct}.{'.'.join(steps)} of type {expected}"
    return bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {reason}')
