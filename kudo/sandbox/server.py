"""The HTTP server: translates requests to the verbs of the API, and errors to `Status` objects."""

import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from kudo.sandbox import bodies, deletion, discovery, execution, listing, paths, tables, watch
from kudo.sandbox.api import Api, Options, Target
from kudo.sandbox.faults import Faults
from kudo.sandbox.objects import Object, condition, dig, name_of, uid_of
from kudo.sandbox.patch import json_patch, merge_patch, strategic_merge
from kudo.sandbox.scale import rescaled, scale_of
from kudo.sandbox.selectors import matcher
from kudo.sandbox.status import ApiError, bad_request, method_not_allowed, unsupported_media_type

_log = logging.getLogger(__name__)

_APPLY = "application/apply-patch+yaml"
_PATCHES: dict[str, Callable[[Any, Any], Any]] = {
    "application/json-patch+json": json_patch,
    "application/merge-patch+json": merge_patch,
    "application/strategic-merge-patch+json": strategic_merge,
}
_WATCH_SECONDS = 1800.0

Verb = Callable[[web.Request, Target], Awaitable[web.StreamResponse]]
Requests = deque[tuple[str, str, dict[str, str]]]


class Server:
    """Handles the requests, and records the latest."""

    def __init__(self, api: Api, faults: Faults) -> None:
        self.requests: Requests = deque(maxlen=10_000)
        self._api = api
        self._faults = faults

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        application = web.Application(client_max_size=64 * 2**20)
        application.router.add_route("*", "/{path:.*}", self._handle)
        return application

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path, dict(request.query)))
        if self._faults.away:
            return self._drop(request)
        try:
            self._faults.check(request.method, request.path_qs)
            response = await self._answer(request)
        except ApiError as error:
            return _failure(error)
        except Exception as error:
            _log.exception("%s %s", request.method, request.path)
            return _failure(ApiError(500, "InternalError", f"Internal error occurred: {error!r}"))
        return self._drop(request) if self._faults.away else response

    def _drop(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path in ("/readyz", "/livez", "/healthz"):
            return web.Response(text="ok")
        if request.path.rstrip("/") == "/openapi/v2" and "protobuf" in request.headers.get("Accept", ""):
            # An empty message is a valid document without definitions.
            kind = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
            return web.Response(body=b"", headers={"Content-Type": kind})
        document = discovery.discovery_document(self._api.registry, request.path)
        if document is not None:
            return _json(document)
        target = paths.find(self._api.registry, request.path)
        verb = self._verb(request.method, target)
        return await verb(request, target)

    def _verb(self, method: str, target: Target) -> Verb:
        item: dict[str, Verb] = {"GET": self._get, "PUT": self._put, "PATCH": self._patch, "DELETE": self._delete}
        collection: dict[str, Verb] = {"GET": self._list, "POST": self._post, "DELETE": self._delete_collection}
        if target.subresource:
            special: dict[str, dict[str, Verb]] = {"log": {"GET": self._log}, "exec": {"GET": self._exec}}
            item = special.get(target.subresource, item)
            item.pop("DELETE", None)
        verbs = item if target.name else collection
        if method not in verbs or (method == "POST" and target.resource.namespaced and not target.namespace):
            raise method_not_allowed()
        return verbs[method]

    async def _get(self, request: web.Request, target: Target) -> web.StreamResponse:
        return _rendered(request, target, self._api.get(target))

    async def _list(self, request: web.Request, target: Target) -> web.StreamResponse:
        if request.query.get("watch") in ("1", "true"):
            return await watch.serve(request, self._api.store, _watch(request, target))
        found, metadata = listing.page(self._api.store, target, request.query)
        if _wants_table(request):
            return _json(tables.table(target.resource, found, metadata))
        return _json(listing.as_list(target, found, metadata))

    async def _post(self, request: web.Request, target: Target) -> web.StreamResponse:
        obj = self._api.create(target, await bodies.read_object(request), _options(request))
        return _rendered(request, target, obj, 201)

    async def _put(self, request: web.Request, target: Target) -> web.StreamResponse:
        body = await bodies.read_object(request)
        return self._update(request, target, lambda _: body)

    async def _patch(self, request: web.Request, target: Target) -> web.StreamResponse:
        kind, custom = request.content_type, target.resource.custom
        body = await bodies.read(request)
        if kind == _APPLY:
            return self._apply(request, target, body)
        if kind not in _PATCHES or (custom and "strategic" in kind):
            accepted = [*_PATCHES, _APPLY]
            raise unsupported_media_type(kind, [name for name in accepted if not custom or "strategic" not in name])
        return self._update(request, target, lambda obj: _PATCHES[kind](obj, body))

    def _apply(self, request: web.Request, target: Target, body: Any) -> web.StreamResponse:
        if not request.query.get("fieldManager"):
            text = "fieldManager: Required value: is required for apply patch"
            raise ApiError(422, "Invalid", f'PatchOptions.meta.k8s.io "" is invalid: {text}')
        if not isinstance(body, dict) or target.subresource == "scale":
            raise bad_request("error decoding the applied configuration: it is not an object of this kind")
        obj, created = self._api.apply(target, body, _options(request))
        return _rendered(request, target, obj, 201 if created else 200)

    def _update(self, request: web.Request, target: Target, change: Callable[[Object], Object]) -> web.StreamResponse:
        scale = target.subresource == "scale"
        obj = self._api.update(target, rescaled(change) if scale else change, _options(request))
        return _rendered(request, target, obj)

    async def _delete(self, request: web.Request, target: Target) -> web.StreamResponse:
        options = deletion.read_options(request.query, await bodies.read_options(request))
        obj, removed = deletion.delete(self._api, target, options)
        return _json(_success(target, obj)) if removed else _rendered(request, target, obj)

    async def _delete_collection(self, request: web.Request, target: Target) -> web.StreamResponse:
        options = deletion.read_options(request.query, await bodies.read_options(request))
        found, metadata = listing.page(self._api.store, target, request.query)
        for obj in found:
            item = Target(target.resource, dig(obj, "metadata", "namespace", default=""), name_of(obj))
            deletion.delete(self._api, item, options)
        return _json(listing.as_list(target, found, metadata))

    async def _exec(self, request: web.Request, target: Target) -> web.StreamResponse:
        return await execution.serve(request, self._api.get(target))

    async def _log(self, _: web.Request, target: Target) -> web.StreamResponse:
        pod = self._api.get(target)
        name = dig(pod, "spec", "containers", 0, "name", default="")
        if condition(pod, "Ready").get("status") != "True" and dig(pod, "status", "phase") == "Pending":
            reason = dig(pod, "status", "containerStatuses", 0, "state", "waiting", "reason", default="Pending")
            raise bad_request(f'container "{name}" in pod "{target.name}" is waiting to start: {reason}')
        return web.Response(text=f"{target.name}: the sandbox runs no containers, so {name} has no output\n")


def _options(request: web.Request) -> Options:
    agent = request.headers.get("User-Agent", "unknown").partition("/")[0]
    return Options(
        manager=request.query.get("fieldManager") or agent,
        dry_run=request.query.get("dryRun") == "All",
        force=request.query.get("force") in ("1", "true"),
    )


def _watch(request: web.Request, target: Target) -> watch.Watch:
    query, resource = request.query, target.resource
    if "sendInitialEvents" in query:
        text = "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless it is enabled"
        raise ApiError(422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: {text}')
    seconds = query.get("timeoutSeconds") or "0"
    return watch.Watch(
        resource=resource,
        namespace=target.namespace,
        matches=matcher(resource.plural, query.get("labelSelector", ""), query.get("fieldSelector", "")),
        since=query.get("resourceVersion", ""),
        timeout=float(seconds if seconds.isdigit() else 0) or _WATCH_SECONDS,
        bookmarks=query.get("allowWatchBookmarks") in ("1", "true"),
        render=(lambda obj: tables.table_of(resource, obj)) if _wants_table(request) else lambda obj: obj,
    )


def _wants_table(request: web.Request) -> bool:
    return "as=Table" in request.headers.get("Accept", "")


def _rendered(request: web.Request, target: Target, obj: Object, code: int = 200) -> web.Response:
    if target.subresource == "scale":
        return _json(scale_of(obj), code)
    obj = target.resource.view(obj)
    return _json(tables.table_of(target.resource, obj) if _wants_table(request) else obj, code)


def _success(target: Target, obj: Object) -> Object:
    details = {"name": target.name, "group": target.resource.group, "kind": target.resource.plural, "uid": uid_of(obj)}
    kept = {key: value for key, value in details.items() if value}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": kept}


def _failure(error: ApiError) -> web.Response:
    after = error.details.get("retryAfterSeconds")
    return _json(error.status(), error.code, {} if after is None else {"Retry-After": str(after)})


def _json(value: Object, code: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    body = json.dumps(value, separators=(",", ":")).encode()
    return web.Response(body=body, status=code, content_type="application/json", headers=headers)
