"""A small client of the sandbox, and the objects that the tests create."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

Object = dict[str, Any]

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
CORE = "/api/v1/namespaces/default"
APPS = "/apis/apps/v1/namespaces/default"
BATCH = "/apis/batch/v1/namespaces/default"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
FOOS = "/apis/example.com/v1/namespaces/default/foos"


class Client:
    """An HTTP client that checks the status codes of responses."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def call(
        self, method: str, path: str, body: Any = None, code: int = 0, kind: str = "application/json", **query: str
    ) -> Any:
        """Send a request, check the status code (0 allows any success), and return the decoded response."""
        data = body if isinstance(body, str) else None if body is None else json.dumps(body)
        headers = {"Content-Type": kind} if data is not None else {}
        async with self.session.request(method, path, data=data, headers=headers, params=query) as response:
            text = await response.text()
            assert response.status == code or (not code and response.ok), f"{response.status}: {text}"
            return json.loads(text) if response.content_type == "application/json" else text

    async def get(self, path: str, code: int = 0, **query: str) -> Any:
        return await self.call("GET", path, code=code, **query)

    async def post(self, path: str, body: Any, code: int = 201, **query: str) -> Any:
        return await self.call("POST", path, body, code, **query)

    async def put(self, path: str, body: Any, code: int = 200, **query: str) -> Any:
        return await self.call("PUT", path, body, code, **query)

    async def patch(self, path: str, body: Any, kind: str = MERGE, code: int = 200, **query: str) -> Any:
        return await self.call("PATCH", path, body, code, kind, **query)

    async def apply(self, path: str, body: Any, manager: str = "me", code: int = 0, **query: str) -> Any:
        return await self.call("PATCH", path, body, code, APPLY, fieldManager=manager, **query)

    async def delete(self, path: str, body: Any = None, code: int = 200, **query: str) -> Any:
        return await self.call("DELETE", path, body, code, **query)

    async def items(self, path: str, **query: str) -> list[Any]:
        found: list[Any] = (await self.get(path, 0, **query))["items"]
        return found

    async def until(self, path: str, check: Callable[[Any], Any]) -> Any:
        """Poll a path until the check accepts the object, and return it; an object that does not exist is None."""
        async with asyncio.timeout(10):
            while True:
                async with self.session.get(path) as response:
                    found = await response.json() if response.status != 404 else None
                if check(found):
                    return found
                await asyncio.sleep(0.005)

    @asynccontextmanager
    async def watch(self, path: str, **query: str) -> AsyncIterator["Events"]:
        """Open a watch while the body runs."""
        async with self.session.get(path, params={"watch": "1", **query}) as response:
            yield Events(response)


class Events:
    """The events of a watch."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._content = response.content

    async def next(self) -> Any:
        """Return the next event, or None at the end of the stream."""
        async with asyncio.timeout(10):
            line = await self._content.readline()
        return json.loads(line) if line else None

    async def rest(self) -> list[Any]:
        """Return all events until the end of the stream."""
        return [json.loads(line) async for line in self._content]

    async def next_names(self, count: int) -> list[tuple[str, str]]:
        """Return type and name of the next events."""
        events = [await self.next() for _ in range(count)]
        return [(event["type"], event["object"]["metadata"]["name"]) for event in events]


async def eventually(check: Callable[[], bool]) -> None:
    """Wait until a check is true."""
    async with asyncio.timeout(10):
        while not check():
            await asyncio.sleep(0.005)


def config_map(name: str = "settings", labels: dict[str, str] | None = None, **data: Any) -> Object:
    metadata = {"name": name} | ({"labels": labels} if labels else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def template(image: str = "web:1", annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    metadata: Object = {"labels": {"app": "web"}} | ({"annotations": annotations} if annotations else {})
    return {"metadata": metadata, "spec": {"containers": [{"name": "web", "image": image}], **spec}}


def workload(
    kind: str, name: str = "web", annotations: dict[str, str] | None = None, pod: Object | None = None, **spec: Any
) -> Object:
    metadata: Object = {"name": name} | ({"annotations": annotations} if annotations else {})
    selector: Object = {} if kind == "Job" else {"selector": {"matchLabels": {"app": "web"}}}
    default = template(restartPolicy="Never") if kind == "Job" else template()
    version = "batch/v1" if kind == "Job" else "apps/v1"
    spec = selector | {"template": pod or default} | spec
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def crd(status: bool = True) -> Object:
    version: Object = {"name": "v1", "served": True, "storage": True}
    version |= {"schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}
    version |= {"additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]}
    version |= {"subresources": {"status": {}}} if status else {}
    spec: Object = {"group": "example.com", "scope": "Namespaced", "versions": [version]}
    spec |= {"names": {"plural": "foos", "kind": "Foo", "singular": "foo", "listKind": "FooList"}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "foos.example.com"},
        "spec": spec,
    }


def foo(name: str = "one", **spec: Any) -> Object:
    return {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": name}, "spec": spec}


async def establish(client: Client, status: bool = True) -> None:
    """Create the CRD of foos and wait until they are served."""
    await client.post(CRDS, crd(status))
    await client.until(FOOS, lambda found: found is not None)


def is_true(kind: str, status: str = "True") -> Callable[[Any], bool]:
    """Return a check that an object has the condition."""

    def check(obj: Any) -> bool:
        conditions = (obj or {}).get("status", {}).get("conditions", [])
        return any(item["type"] == kind and item["status"] == status for item in conditions)

    return check


def counts(**expected: int) -> Callable[[Any], bool]:
    """Return a check that the status has these counts; an absent count is 0."""
    return lambda obj: all((obj or {}).get("status", {}).get(key, 0) == value for key, value in expected.items())
