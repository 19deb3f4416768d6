"""Which Secrets and ConfigMaps the pods of a workload use, so that a change of theirs restarts the pods.

KUDO looks at mounts and pull secrets (`pkg/engine/renderer/dependencies.go`); pods also read `env`, `envFrom` and
projected volumes.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping

from kudo.manifests.enhance import pod_templates
from kudo.model.objects import Object, ObjectRef

DEPENDENCIES_HASH = "kudo.dev/dependencies-hash"

SKIP_HASH = "kudo.dev/skip-hash-calculation"
"""Leaves a Secret or ConfigMap out of the hash."""


def dependencies(item: Object) -> list[ObjectRef]:
    """The Secrets and ConfigMaps that the pods of a workload use, in a fixed order.

    A Job has none: its pods cannot be restarted.
    """
    if item.kind == "Job":
        return []
    specs = [Object(template).child("spec") for template in pod_templates(item)]
    found = {(kind, name) for spec in specs for kind, name in _names(spec) if name}
    return [ObjectRef("v1", kind, item.namespace, name) for kind, name in sorted(found)]


def _names(spec: Object) -> Iterator[tuple[str, str]]:
    for secret in spec.children("imagePullSecrets"):
        yield "Secret", secret.text("name")
    for volume in spec.children("volumes"):
        yield "ConfigMap", volume.text("configMap", "name")
        yield "Secret", volume.text("secret", "secretName")
        for source in volume.children("projected", "sources"):
            yield "ConfigMap", source.text("configMap", "name")
            yield "Secret", source.text("secret", "name")
    for container in (*spec.children("initContainers"), *spec.children("containers")):
        for source in container.children("envFrom"):
            yield "ConfigMap", source.text("configMapRef", "name")
            yield "Secret", source.text("secretRef", "name")
        for variable in container.children("env"):
            yield "ConfigMap", variable.text("valueFrom", "configMapKeyRef", "name")
            yield "Secret", variable.text("valueFrom", "secretKeyRef", "name")


def set_hash(item: Object, contents: Mapping[ObjectRef, Object | None]) -> None:
    """Annotate the pod templates of a workload with the hash of what they use; what is not there yet counts as well."""
    hashed = [
        [ref.kind, ref.name, found and [found.strings("data"), found.strings("binaryData")]]
        for ref, found in contents.items()
        if found is None or SKIP_HASH not in found.annotations
    ]
    if not hashed:
        return
    text = json.dumps(hashed, sort_keys=True, separators=(",", ":"))
    for template in pod_templates(item):
        template["metadata"]["annotations"][DEPENDENCIES_HASH] = hashlib.sha256(text.encode()).hexdigest()[:32]
