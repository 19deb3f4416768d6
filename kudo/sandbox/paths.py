"""The paths of requests."""

from kudo.sandbox.api import Target
from kudo.sandbox.resources import Registry
from kudo.sandbox.status import unknown_path

_NAMESPACE_SUBRESOURCES = ("status", "finalize")


def find(registry: Registry, path: str) -> Target:
    """Return the target of a path below /api or /apis. Raises ApiError 404 if the resource is not served."""
    group, version, rest = _split(path.strip("/").split("/"))
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces" and rest[2] not in _NAMESPACE_SUBRESOURCES:
        namespace, rest = rest[1], rest[2:]
    resource = registry.find(group, version, rest[0]) if rest else None
    name, subresource = [*rest[1:], "", ""][:2]
    if resource is None or len(rest) > 3 or (namespace and not resource.namespaced):
        raise unknown_path()
    if name and resource.namespaced and not namespace:
        raise unknown_path()
    target = Target(resource, namespace, name, subresource)
    if subresource and subresource not in _subresources(target):
        raise unknown_path()
    return target


def _split(parts: list[str]) -> tuple[str, str, list[str]]:
    if parts[0] == "api" and len(parts) > 2:
        return "", parts[1], parts[2:]
    if parts[0] == "apis" and len(parts) > 3:
        return parts[1], parts[2], parts[3:]
    raise unknown_path()


def _subresources(target: Target) -> list[str]:
    resource = target.resource
    offered = {"status": resource.status, "scale": resource.scale}
    offered |= {"log": resource.key == "pods", "exec": resource.key == "pods", "finalize": resource.key == "namespaces"}
    return [name for name, served in offered.items() if served]
