"""Discovery: the version, API groups, resources, and as much OpenAPI as kubectl needs."""

from kudo.sandbox.objects import Object
from kudo.sandbox.resources import Registry, Resource

VERSION = {
    "major": "1",
    "minor": "32",
    "gitVersion": "v1.32.0+sandbox",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def discovery_document(registry: Registry, path: str) -> Object | None:
    """Return the discovery document at a path, or None if there is none."""
    parts = path.strip("/").split("/")
    if parts == ["version"]:
        return VERSION
    if parts[:2] == ["openapi", "v3"]:
        return _openapi(registry, "/".join(parts[2:]))
    if parts == ["openapi", "v2"]:
        return {"swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1.32.0"}, "paths": {}}
    if parts[0] in ("api", "apis"):
        return _api_document(registry, parts)
    return None


def _api_document(registry: Registry, parts: list[str]) -> Object | None:
    if parts == ["api"]:
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if parts == ["apis"]:
        names = dict.fromkeys(resource.group for resource in registry if resource.group)
        groups = [_group(registry, name) for name in names]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    versions = {resource.api_version for resource in registry}
    if parts[0] == "apis" and len(parts) == 2 and any(parts[1] == item.group for item in registry):
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(registry, parts[1])}
    group_version = "/".join(parts[1:])
    return _resources(registry, group_version) if group_version in versions else None


def _group(registry: Registry, name: str) -> Object:
    found = dict.fromkeys(item.version for item in registry if item.group == name)
    versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in found]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resources(registry: Registry, group_version: str) -> Object:
    resources: list[Object] = []
    for resource in registry:
        if resource.api_version == group_version:
            resources += [_api_resource(resource), *_subresources(resource)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    }


def _api_resource(resource: Resource) -> Object:
    api_resource: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": _VERBS,
    }
    if resource.short:
        api_resource["shortNames"] = list(resource.short)
    if resource.categories:
        api_resource["categories"] = list(resource.categories)
    return api_resource


def _subresources(resource: Resource) -> list[Object]:
    found = []
    for name, served, kind in (
        ("status", resource.status, resource.kind),
        ("scale", resource.scale, "Scale"),
        ("log", resource.key == "pods", "Pod"),
        ("exec", resource.key == "pods", "PodExecOptions"),
    ):
        if served:
            verbs = {"log": ["get"], "exec": ["create", "get"]}.get(name, ["get", "patch", "update"])
            found.append(
                {
                    "name": f"{resource.plural}/{name}",
                    "singularName": "",
                    "namespaced": resource.namespaced,
                    "kind": kind,
                    "verbs": verbs,
                }
            )
    return found


def _openapi(registry: Registry, part: str) -> Object | None:
    # kubectl only checks whether the server validates fields itself. The sandbox claims to, although it does not:
    # otherwise kubectl would need a schema of every kind.
    bases = dict.fromkeys(_base(resource) for resource in registry)
    if not part:
        return {"paths": {base: {"serverRelativeURL": f"/openapi/v3/{base}"} for base in bases}}
    if part not in bases:
        return None
    paths = {_path(resource): _operations(resource) for resource in registry if _base(resource) == part}
    info = {"title": "Kubernetes", "version": "v1.32.0"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}


def _base(resource: Resource) -> str:
    return f"apis/{resource.api_version}" if resource.group else f"api/{resource.api_version}"


def _path(resource: Resource) -> str:
    scope = "namespaces/{namespace}/" if resource.namespaced else ""
    return f"/{_base(resource)}/{scope}{resource.plural}/{{name}}"


def _operations(resource: Resource) -> Object:
    parameter = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    operation = {
        "parameters": [parameter],
        "responses": {},
        "x-kubernetes-group-version-kind": kind,
        "x-kubernetes-action": "patch",
    }
    return {"patch": operation}
