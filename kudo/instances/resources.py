"""Read KUDO's resources from a cluster as models."""

import time
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from kudo.errors import FatalError, InstanceNotFound, InvalidOperatorVersion, bullets
from kudo.model.base import Manifest, Model
from kudo.model.execution import Metadata
from kudo.model.objects import Object, ObjectRef
from kudo.model.resources import API_VERSION, Instance, OperatorVersion
from kudo.model.validation import explain

if TYPE_CHECKING:
    from kudo.kubernetes import Cluster

M = TypeVar("M", bound=Model)


def instance_ref(namespace: str, name: str) -> ObjectRef:
    return ObjectRef(API_VERSION, "Instance", namespace, name)


async def read_instance(cluster: "Cluster", namespace: str, name: str) -> Instance:
    """Read an Instance. Raises InstanceNotFound, or RequestError for a malformed one."""
    found = await cluster.get(instance_ref(namespace, name))
    if found is None:
        others = await cluster.list(API_VERSION, "Instance", namespace)
        names = ", ".join(sorted(other.name for other in others)) or "none"
        raise InstanceNotFound(f"There is no instance {name} in the namespace {namespace}. Instances in it: {names}.")
    return parse_instance(found)


RECENT = 1.0
"""Seconds for which an Instance that was read is not read again."""


async def require_instance(cluster: "Cluster", metadata: Metadata) -> Object:
    """Return the Instance that a plan runs for. Raises InstanceNotFound if it was deleted.

    Without it, the garbage collector would delete every object as soon as it is applied.
    """
    found = await cluster.get(instance_ref(metadata.instance_namespace, metadata.instance_name))
    if found is None or found.uid != metadata.instance_uid:
        raise InstanceNotFound(f"The instance {metadata.instance_name} was deleted while its plan ran.")
    return found


class RecentInstances:
    """The identities of Instances that were read within the last second: the tasks of a quick plan share one read."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[float, Object]] = {}

    async def require(self, cluster: "Cluster", metadata: Metadata) -> Object:
        """Like `require_instance`, but notices a deletion up to a second later, and returns only the identity.

        A thousand tasks that wait would each keep the status of all their steps otherwise.
        """
        now = time.monotonic()
        self._read = {uid: (at, found) for uid, (at, found) in self._read.items() if now - at < RECENT}
        if metadata.instance_uid not in self._read:
            found = await require_instance(cluster, metadata)
            self._read[metadata.instance_uid] = (now, found.identity())
        return self._read[metadata.instance_uid][1]


async def list_instances(cluster: "Cluster", namespace: str = "") -> list[Instance]:
    """Read the Instances of a namespace, or of all namespaces."""
    return [parse_instance(item) for item in await cluster.list(API_VERSION, "Instance", namespace)]


def parse_instance(item: Object) -> Instance:
    return _parse(Instance, item.manifest, f"The instance {item.namespace}/{item.name}", InstanceNotFound)


async def read_operator_version(cluster: "Cluster", instance: Instance) -> OperatorVersion:
    """Read the OperatorVersion of an Instance. Raises InvalidOperatorVersion if it is missing or malformed."""
    name = instance.spec.operator_version.name
    found = await find_operator_version(cluster, instance.namespace, name)
    if found is None:
        raise InvalidOperatorVersion(
            f"The instance {instance.namespace}/{instance.name} uses the OperatorVersion {name}, which does not exist. "
            f"Install it with `kudo install PACKAGE --skip-instance --namespace {instance.namespace}`."
        )
    return found


async def find_operator_version(cluster: "Cluster", namespace: str, name: str) -> OperatorVersion | None:
    """Read an OperatorVersion; None if it does not exist. Raises InvalidOperatorVersion if it is malformed."""
    found = await cluster.get(ObjectRef(API_VERSION, "OperatorVersion", namespace, name)) if name else None
    if found is None:
        return None
    return _parse(OperatorVersion, found.manifest, f"The OperatorVersion {namespace}/{name}", InvalidOperatorVersion)


def _parse(model: type[M], manifest: Manifest, subject: str, error: type[FatalError]) -> M:
    try:
        return model.model_validate(manifest)
    except ValidationError as problem:
        raise error(f"{subject} is malformed:{bullets(explain(problem, manifest))}") from None
