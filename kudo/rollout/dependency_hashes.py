"""Hashes of the Secrets and ConfigMaps that the pods of a workload use, so that a change of them restarts the pods.

KUDO reads mounts and pull secrets (`pkg/engine/renderer/dependencies.go`). Pods also use `env`, `envFrom` and projected
volumes, so these count here as well.
"""

import copy
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

from kudo.manifests import pod_templates
from kudo.model.annotations import DEPENDENCIES_HASH, SKIP_HASH
from kudo.model.objects import Object, ObjectRef

Read = Callable[[ObjectRef], Awaitable[Object | None]]
"""Reads an object; returns None if it does not exist."""


async def with_dependency_hashes(read: Read, objects: Iterable[Object]) -> list[Object]:
    """Return the objects, with workloads replaced by copies whose pod templates carry the hash of what they use now.

    Raises what `read` raises.
    """
    known: dict[ObjectRef, Object | None] = {}
    hashed = []
    for item in objects:
        refs = dependencies(item)
        for ref in refs:
            if ref not in known:
                known[ref] = await read(ref)
        if refs:
            item = Object(copy.deepcopy(item.manifest))
            set_hash(item, {ref: known[ref] for ref in refs})
        hashed.append(item)
    return hashed


def dependencies(item: Object) -> list[ObjectRef]:
    """Return the Secrets and ConfigMaps that the pods of a workload use, in a fixed order.

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
    """Annotate the pod templates of a workload with the hash of the objects that they use, missing ones included."""
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
