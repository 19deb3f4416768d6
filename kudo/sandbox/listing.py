"""The verb list, whole or page by page."""

import base64
import binascii
import json
from collections.abc import Mapping

from kudo.sandbox.api import Target
from kudo.sandbox.objects import Object, name_of, namespace_of
from kudo.sandbox.selectors import matcher
from kudo.sandbox.status import bad_request, expired
from kudo.sandbox.store import Store

Place = tuple[str, str]


def page(store: Store, target: Target, query: Mapping[str, str]) -> tuple[list[Object], Object]:
    """Return the objects that a query selects, and the list's metadata.

    Unlike on a cluster, a later page has the objects as they are then. Raises ApiError 400 if a query parameter is
    invalid, 410 if the history since the first page has been discarded.
    """
    matches = matcher(target.resource.plural, query.get("labelSelector", ""), query.get("fieldSelector", ""))
    found = [obj for obj in store.items(target.resource.key, target.namespace) if matches(obj)]
    revision = store.revision
    if query.get("continue"):
        revision, after = _read(query["continue"])
        if revision < store.compacted:
            raise expired("The provided continue parameter is too old to display a consistent list result.")
        found = [obj for obj in found if _place(obj) > after]
    metadata: Object = {"resourceVersion": str(revision)}
    limit = query.get("limit") or "0"
    if not limit.isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{limit}": invalid syntax')
    if 0 < int(limit) < len(found):
        rest, found = found[int(limit) :], found[: int(limit)]
        metadata |= {"continue": _write(revision, _place(found[-1])), "remainingItemCount": len(rest)}
    return found, metadata


def as_list(target: Target, objects: list[Object], metadata: Object) -> Object:
    """Return the list object. As on a cluster, items of built-in kinds have no kind and apiVersion."""
    resource = target.resource
    hidden = () if resource.custom else ("kind", "apiVersion")
    items = [{key: value for key, value in resource.view(obj).items() if key not in hidden} for obj in objects]
    return {
        "kind": f"{resource.kind}List",
        "apiVersion": resource.api_version,
        "metadata": metadata,
        "items": items,
    }


def _place(obj: Object) -> Place:
    return namespace_of(obj), name_of(obj)


def _write(revision: int, place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps([revision, *place]).encode()).decode()


def _read(token: str) -> tuple[int, Place]:
    try:
        revision, namespace, name = json.loads(base64.urlsafe_b64decode(token))
        return int(revision), (str(namespace), str(name))
    except (binascii.Error, ValueError, TypeError) as error:
        raise bad_request("continue key is not valid") from error
