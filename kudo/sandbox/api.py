"""The verbs of the API server.

    create, update, apply -> identify -> settle the fields that only the server sets -> default -> validate
                          -> record the field manager -> store

`server` translates HTTP to these verbs; `deletion` has the verb delete. The controllers use the same verbs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from kudo.sandbox import decoding, defaults
from kudo.sandbox.apply import apply, without_nulls
from kudo.sandbox.managers import Entry, record_update
from kudo.sandbox.objects import Object, clone, dig, name_of, now, suffix
from kudo.sandbox.resources import Registry, Resource
from kudo.sandbox.status import (
    already_exists,
    bad_request,
    conflict,
    namespace_missing,
    namespace_terminating,
    not_found,
    service_account_missing,
)
from kudo.sandbox.store import Ref, Store
from kudo.sandbox.validation import validate

_PHASES = {"Pod": "Pending", "Namespace": "Active", "PersistentVolumeClaim": "Pending"}
_WITHOUT_GENERATION = ("", "rbac.authorization.k8s.io", "storage.k8s.io", "coordination.k8s.io", "events.k8s.io")


@dataclass(frozen=True)
class Target:
    """The resource, object and subresource of a request."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def ref(self) -> Ref:
        """The reference of the object in the store."""
        return (self.resource.key, self.namespace, self.name)


@dataclass(frozen=True)
class Options:
    """The options of a write."""

    manager: str = "unknown"
    dry_run: bool = False
    force: bool = False


class Api:
    """The verbs. All methods raise ApiError; none modifies its arguments."""

    def __init__(self, registry: Registry, store: Store) -> None:
        self.registry = registry
        self.store = store

    def target(self, ref: Ref, subresource: str = "") -> Target:
        """Return the target of a stored object. Raises KeyError if its resource is not served any more."""
        return Target(self.registry.at(ref[0]), ref[1], ref[2], subresource)

    def get(self, target: Target) -> Object:
        """Return the stored object. Raises ApiError 404 if it does not exist."""
        obj = self.store.get(target.ref)
        if obj is None:
            raise not_found(target.resource, target.name)
        return obj

    def create(self, target: Target, body: Object, options: Options) -> Object:
        """Create an object, whose name comes from the target, the body or `generateName`."""
        obj = self._new(target, clone(body))
        record_update({}, obj, _entry(target, options, "Update"), target.resource.custom)
        return self._add(target, obj, options)

    def update(self, target: Target, change: Callable[[Object], Object], options: Options) -> Object:
        """Replace an object by the result of `change`, which gets a copy of it."""
        live = self.get(target)
        new = change(clone(live))
        return self._update(target, live, new, options, _entry(target, options, "Update"))

    def apply(self, target: Target, body: Object, options: Options) -> tuple[Object, bool]:
        """Apply a configuration server-side; return the object, and whether it was created."""
        writer, custom = _entry(target, options, "Apply"), target.resource.custom
        config = _applicable(target, without_nulls(body, custom))
        live = self.store.get(target.ref)
        if live is None:
            if target.subresource:
                raise not_found(target.resource, target.name)
            empty = {"metadata": {"name": target.name}}
            obj = self._new(target, apply(empty, config, writer, custom, options.force))
            return self._add(target, obj, options), True
        new = apply(clone(live), config, writer, custom, options.force)
        return self._update(target, live, new, options, None), False

    def commit(self, target: Target, obj: Object) -> Object:
        """Store a changed object, or remove it if it is being deleted and has no finalizers left."""
        if dig(obj, "metadata", "deletionTimestamp") and not is_held(obj):
            return self.store.remove(target.ref, obj)
        return self.store.put(target.resource.key, obj)

    def _new(self, target: Target, obj: Object) -> Object:
        _identify(target, obj)
        metadata, kind = obj["metadata"], target.resource.kind
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"][:58] + suffix()
        metadata |= {"uid": str(uuid4()), "creationTimestamp": now()}
        for field in ("resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
            metadata.pop(field, None)
        if _has_generation(target.resource):
            metadata["generation"] = 1
        if target.resource.status:
            obj.pop("status", None)
            if kind in _PHASES:
                obj["status"] = {"phase": _PHASES[kind]}
        self._admit(target, obj, None)
        return obj

    def _add(self, target: Target, obj: Object, options: Options) -> Object:
        ref = (target.resource.key, target.namespace, name_of(obj))
        self._check_namespace(target, name_of(obj))
        if self.store.get(ref) is not None:
            raise already_exists(target.resource, name_of(obj))
        if target.resource.key == "pods":
            self._check_service_account(target, obj)
        obj["apiVersion"] = target.resource.api_version
        return obj if options.dry_run else self.store.put(target.resource.key, obj)

    def _check_namespace(self, target: Target, name: str) -> None:
        if not target.resource.namespaced:
            return
        namespace = self.store.get(("namespaces", "", target.namespace))
        if namespace is None:
            raise namespace_missing(target.namespace)
        if dig(namespace, "metadata", "deletionTimestamp"):
            raise namespace_terminating(target.resource, name, target.namespace)

    def _check_service_account(self, target: Target, pod: Object) -> None:
        account = dig(pod, "spec", "serviceAccountName", default="default")
        # A namespace gets its default account a moment after it was created.
        if account != "default" and self.store.get(("serviceaccounts", target.namespace, account)) is None:
            raise service_account_missing(target.resource, name_of(pod), target.namespace, account)

    def _update(self, target: Target, live: Object, new: Object, options: Options, writer: Entry | None) -> Object:
        _identify(target, new)
        _check_version(target, live, new)
        new = _settled(target, live, new)
        self._admit(target, new, live)
        if writer is not None:
            record_update(live, new, writer, target.resource.custom)
        if new == live:
            return live
        if _has_generation(target.resource) and _desired(new) != _desired(live):
            new["metadata"]["generation"] = dig(live, "metadata", "generation", default=0) + 1
        return new if options.dry_run else self.commit(target, new)

    def _admit(self, target: Target, obj: Object, live: Object | None) -> None:
        if not target.resource.custom:
            defaults.fill(obj, live)
        validate(target.resource, obj, live)


def is_held(obj: Object) -> bool:
    """Whether an object has finalizers, which keep it from being removed."""
    namespace = obj["kind"] == "Namespace" and obj["apiVersion"] == "v1"
    return bool(dig(obj, "metadata", "finalizers") or (namespace and dig(obj, "spec", "finalizers")))


def _entry(target: Target, options: Options, operation: str) -> Entry:
    return Entry(options.manager, operation, target.resource.api_version, target.subresource)


def _has_generation(resource: Resource) -> bool:
    return resource.group not in _WITHOUT_GENERATION


def _desired(obj: Object) -> Object:
    desired = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata", "status")}
    if obj["kind"] == "Deployment":
        desired["annotations"] = obj["metadata"].get("annotations")
    return desired


def _identify(target: Target, obj: Object) -> None:
    """Set the identity of an object from the path. Raises ApiError 400 if it has another, or a type is wrong."""
    resource = target.resource
    for field, expected in (("apiVersion", resource.api_version), ("kind", resource.kind)):
        if obj.setdefault(field, expected) != expected and not (field == "apiVersion" and _is_stored(target, obj)):
            name = "API version" if field == "apiVersion" else "kind"
            raise bad_request(f"the {name} in the data ({obj[field]}) does not match the expected {name} ({expected})")
    metadata = obj["metadata"] = {} if obj.get("metadata") is None else obj["metadata"]
    decoding.check(obj, target.resource.custom)
    if target.name and metadata.setdefault("name", target.name) != target.name:
        raise bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
        )
    if not resource.namespaced:
        metadata.pop("namespace", None)
    elif (metadata.get("namespace") or target.namespace) != target.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    else:
        metadata["namespace"] = target.namespace


def _is_stored(target: Target, obj: Object) -> bool:
    # A patch starts from the stored object, which may be in another version of the same group.
    return bool(target.name) and str(obj["apiVersion"]).rpartition("/")[0] == target.resource.group


def _check_version(target: Target, live: Object, new: Object) -> None:
    for field in ("resourceVersion", "uid"):
        expected = dig(new, "metadata", field)
        if expected and expected != live["metadata"][field]:
            raise conflict(target.resource, target.name)


def _settled(target: Target, live: Object, new: Object) -> Object:
    fixed = ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "generation", "generateName")
    metadata = {key: value for key, value in new["metadata"].items() if key not in fixed}
    metadata |= {
        key: live["metadata"][key] for key in (*fixed, "deletionGracePeriodSeconds") if key in live["metadata"]
    }
    if "managedFields" not in metadata and "managedFields" in live["metadata"]:
        metadata["managedFields"] = clone(live["metadata"]["managedFields"])
    if target.subresource == "status":
        kept = {key: metadata[key] for key in ("managedFields",) if key in metadata}
        new = clone(live) | {"status": new.get("status") or {}}
        new["metadata"] |= kept
        return new
    new = {key: value for key, value in new.items() if key != "status" or not target.resource.status}
    if target.resource.status and "status" in live:
        new["status"] = clone(live["status"])
    if live["kind"] == "Namespace" and target.subresource != "finalize":
        new["spec"] = clone(live.get("spec", {}))
    return new | {"apiVersion": live["apiVersion"], "metadata": metadata}


def _applicable(target: Target, config: Object) -> Object:
    _identify(target, config)
    if dig(config, "metadata", "managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    if target.subresource == "status":
        kept = ("apiVersion", "kind", "metadata", "status")
        return {key: value for key, value in config.items() if key in kept}
    if target.resource.status:
        config.pop("status", None)
    return config
