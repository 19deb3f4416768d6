"""The verb delete: preconditions, propagation policies and finalizers.

The garbage collector (`controllers.garbage`) deletes the dependents.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kudo.sandbox.api import Api, Target, is_held
from kudo.sandbox.objects import Object, clone, dig, now, owners_of, uid_of
from kudo.sandbox.status import bad_request, conflict

FOREGROUND = "foregroundDeletion"
_POLICIES = ("", "Background", "Foreground", "Orphan")
# For old clients, the API server orphans the dependents of these by default.
_ORPHANING = frozenset(("batch/jobs", "replicationcontrollers"))


@dataclass(frozen=True)
class DeleteOptions:
    """The `DeleteOptions` of a request."""

    policy: str = ""
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False


def read_options(query: Mapping[str, str], body: Object) -> DeleteOptions:
    """Read the options of a request from its query and its body. Raises ApiError 400 if the policy is unknown."""
    policy = body.get("propagationPolicy") or query.get("propagationPolicy", "")
    if body.get("orphanDependents") is True or query.get("orphanDependents") == "true":
        policy = "Orphan"
    if policy not in _POLICIES:
        raise bad_request(f'invalid propagationPolicy "{policy}"')
    return DeleteOptions(
        policy=policy,
        uid=dig(body, "preconditions", "uid", default=""),
        resource_version=dig(body, "preconditions", "resourceVersion", default=""),
        dry_run="All" in (body.get("dryRun") or ()) or query.get("dryRun") == "All",
    )


def delete(api: Api, target: Target, options: DeleteOptions) -> tuple[Object, bool]:
    """Delete an object, or mark it as being deleted if it has finalizers; return it, and whether it was removed.

    Raises ApiError 404 if it does not exist, 409 if a precondition fails.
    """
    live = api.get(target)
    _check(target, live, options)
    policy = options.policy or ("Orphan" if target.resource.key in _ORPHANING else "Background")
    marked = _marked(live, policy)
    if options.dry_run:
        return marked, not is_held(marked)
    if policy == "Orphan":
        _orphan_dependents(api, uid_of(live))
    if is_held(marked):
        return (live if marked == live else api.store.put(target.resource.key, marked)), False
    return api.store.remove(target.ref), True


def _check(target: Target, live: Object, options: DeleteOptions) -> None:
    for word, field, expected in (
        ("UID", "uid", options.uid),
        ("ResourceVersion", "resourceVersion", options.resource_version),
    ):
        found = live["metadata"][field]
        if expected and expected != found:
            why = f"Precondition failed: {word} in precondition: {expected}, {word} in object meta: {found}"
            raise conflict(target.resource, target.name, why)


def _marked(live: Object, policy: str) -> Object:
    marked = clone(live)
    metadata = marked["metadata"]
    finalizers = metadata.get("finalizers") or []
    if policy == "Foreground" and FOREGROUND not in finalizers:
        metadata["finalizers"] = [*finalizers, FOREGROUND]
    if not metadata.get("deletionTimestamp"):
        metadata |= {"deletionTimestamp": now(), "deletionGracePeriodSeconds": 0}
        if "generation" in metadata:
            metadata["generation"] += 1
    if live["kind"] == "Namespace":
        marked["status"] = marked.get("status", {}) | {"phase": "Terminating"}
    return marked


def _orphan_dependents(api: Api, uid: str) -> None:
    for ref, dependent in api.store.dependents(uid):
        orphan = clone(dependent)
        orphan["metadata"]["ownerReferences"] = [owner for owner in owners_of(dependent) if owner["uid"] != uid]
        api.commit(api.target(ref), orphan)
