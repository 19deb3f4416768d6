"""Removal of the objects that a test created in a cluster that outlives it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from kudo.kubernetes.connection import MERGE_PATCH, Connection
from kudo.kubernetes.discovery import ResourceKind
from kudo.model.objects import Object
from support.waiting import until

T = TypeVar("T")

NAMESPACE = "default"

CLUSTER_WIDE = {
    "CustomResourceDefinition",
    "Namespace",
    "StorageClass",
    "PersistentVolume",
    "ClusterRole",
    "ClusterRoleBinding",
}
"""The kinds without a namespace that tests create."""

KEPT = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default"), ("Service", "kubernetes")}
"""Objects that Kubernetes creates itself, and recreates after a deletion."""


@dataclass(frozen=True)
class ClusterCleaner:
    """Deletes the objects that did not exist before the tests."""

    kubeconfig: Path
    kinds: tuple[ResourceKind, ...]
    before: frozenset[str]

    @classmethod
    async def of(cls, kubeconfig: Path) -> Self:
        """Return a cleaner that restores the present state of the cluster."""
        async with await Connection.open(kubeconfig=kubeconfig) as connection:
            kinds = tuple([kind async for kind in _kinds(connection)])
            found = await until(lambda: _found(connection, kinds))
            return cls(kubeconfig, kinds, frozenset(item.uid for _, item in found))

    async def clean(self) -> None:
        """Delete the objects that are new, and wait until they are gone."""
        async with await Connection.open(kubeconfig=self.kubeconfig) as connection:

            async def is_clean() -> bool:
                found = await _found(connection, self.kinds)
                if found is None:
                    return False
                new = [pair for pair in found if pair[1].uid not in self.before]
                await _together(_remove(connection, kind, item) for kind, item in new)
                return not new

            await until(is_clean)


async def _kinds(connection: Connection) -> AsyncIterator[ResourceKind]:
    groups = (await connection.request("GET", "/apis")).body.children("groups")
    for version in ("v1", *(group.text("preferredVersion", "groupVersion") for group in groups)):
        listed = await connection.request("GET", f"/apis/{version}" if "/" in version else f"/api/{version}")
        for resource in listed.body.children("resources"):
            verbs = resource.manifest.get("verbs", [])
            name, kind, namespaced = resource.text("name"), resource.text("kind"), resource.flag("namespaced")
            if "/" not in name and {"list", "delete"} <= set(verbs) and (namespaced or kind in CLUSTER_WIDE):
                yield ResourceKind(version, kind, name, namespaced)


async def _found(connection: Connection, kinds: tuple[ResourceKind, ...]) -> list[tuple[ResourceKind, Object]] | None:
    """Return all objects; None if the API cannot list a kind, such as one that was just created."""
    answers = await _together(connection.request("GET", kind.path(NAMESPACE)) for kind in kinds)
    if not all(answer.ok or answer.code == 404 for answer in answers):
        return None
    return [
        (kind, item)
        for kind, answer in zip(kinds, answers, strict=True)
        for item in answer.body.children("items")
        if (kind.kind, item.name) not in KEPT and not item.name.startswith(("kube-", "system:"))
    ]


async def _remove(connection: Connection, kind: ResourceKind, item: Object) -> None:
    path = kind.path(item.namespace, item.name)
    # The finalizers of definitions and namespaces delete their contents.
    if item.terminating and kind.kind not in ("CustomResourceDefinition", "Namespace"):
        await connection.request("PATCH", path, body={"metadata": {"finalizers": None}}, content_type=MERGE_PATCH)
    await connection.request("DELETE", path, body={"propagationPolicy": "Background", "gracePeriodSeconds": 0})


async def _together(requests: Iterable[Awaitable[T]]) -> list[T]:
    return await asyncio.gather(*requests)
