"""Whose an object is: a plan applies and deletes what was made for its Instance; for anything else it needs consent.

Consent is the annotation `kudo.dev/adopt` on the live object, with the name of the Instance as its value. For an object
that no Instance owns, the value may be `true`, a setting of the worker consents as well, and, in the namespace of the
Instance, the annotation `true` of a template.
"""

import asyncio
import copy
from collections.abc import Sequence

from kudo.errors import ForeignObject
from kudo.kubernetes.cluster import Cluster
from kudo.model.annotations import ADOPT, INSTANCE, INSTANCE_NAMESPACE, OPERATOR
from kudo.model.objects import Object

_MANAGERS = (
    ("labels", "helm.toolkit.fluxcd.io/name", "the HelmRelease {} of Flux"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "the Kustomization {} of Flux"),
    ("annotations", "meta.helm.sh/release-name", "the Helm release {}"),
    ("annotations", "argocd.argoproj.io/tracking-id", "the Argo CD application {}"),
    ("labels", "argocd.argoproj.io/instance", "the Argo CD application {}"),
)
"""The labels and annotations by which other tools recognize their objects."""


async def find_own(cluster: Cluster, items: Sequence[Object], *, adopt: bool = False) -> list[Object]:
    """Return the live objects of the items, as far as they exist.

    Raises ForeignObject for one that was not made for the Instance of its item, unless there is consent, and the errors
    of reading a cluster.
    """
    found = zip(items, await asyncio.gather(*(cluster.find(item.ref) for item in items)), strict=True)
    own = [(item, live) for item, live in found if live is not None]
    for item, live in own:
        check_own(item, live, adopt=adopt)
    return [live for _, live in own]


async def claim(cluster: Cluster, items: Sequence[Object], *, adopt: bool = False) -> list[Object]:
    """Return the items as they may be applied, after the check of all live objects; see `find_own`."""
    await find_own(cluster, items, adopt=adopt)
    return [without_consent(item) for item in items]


def without_consent(item: Object) -> Object:
    """Return an object without the annotation of its template: on the live object it would consent for others."""
    if ADOPT not in item.annotations:
        return item
    item = Object(copy.deepcopy(item.manifest))
    del item.manifest["metadata"]["annotations"][ADOPT]
    return item


def check_own(item: Object, live: Object, *, adopt: bool = False) -> None:
    """Raise ForeignObject if a live object was not made for the Instance of an item, and there is no consent."""
    instance = item.labels.get(INSTANCE, "")
    owner = _owner(item, live, instance)
    if owner is None or live.annotations.get(ADOPT) == instance:
        return
    consents = (adopt, live.annotations.get(ADOPT) == "true", item.namespace and item.annotations.get(ADOPT) == "true")
    if INSTANCE not in live.labels and any(consents):
        return
    scope = f" --namespace {item.namespace}" if item.namespace else ""
    kind = item.kind.lower() + (f".{item.group}" if item.group else "")
    raise ForeignObject(
        f"{item.ref} {owner}, so the instance {instance} neither changes nor deletes it. Rename it in the template, or "
        f"let the instance adopt it: `kubectl annotate {kind} {item.name} {ADOPT}={instance}{scope}`."
    )


def _owner(item: Object, live: Object, instance: str) -> str | None:
    """Return whose a live object is, as the end of a sentence; None if it was made for the Instance."""
    other = live.labels.get(INSTANCE)
    home, own_home = live.annotations.get(INSTANCE_NAMESPACE), item.annotations.get(INSTANCE_NAMESPACE)
    elsewhere = home is not None and home != own_home
    if other == instance and not elsewhere:
        return None
    if item.kind == "CustomResourceDefinition" and other and live.labels.get(OPERATOR) == item.labels.get(OPERATOR):
        return None  # The instances of an operator share the kinds that it defines.
    if other:
        return f"belongs to the instance {other}" + (f" in the namespace {home}" if elsewhere else "")
    for field, key, words in _MANAGERS:
        if value := live.strings("metadata", field).get(key):
            return f"belongs to {words.format(value.partition(':')[0])}"
    return "was not made by this instance"
