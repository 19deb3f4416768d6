"""Read KUDO's CustomResourceDefinitions, and install them in a cluster."""

from importlib import resources
from typing import Literal, cast

from kudo.errors import KindNotFound, RequestError
from kudo.kubernetes import Cluster
from kudo.model import yaml
from kudo.model.base import Manifest
from kudo.model.objects import Object
from kudo.model.resources import API_VERSION
from kudo.rollout import wait_until_healthy


def read_crds() -> list[Object]:
    """Return the CustomResourceDefinitions of Operator, OperatorVersion and Instance."""
    text = resources.files("kudo.instances").joinpath("crds.yaml").read_text()
    return [Object(cast(Manifest, document)) for _, document in yaml.load_documents(text)]


ApplyOutcome = Literal["created", "configured", "unchanged"]
"""The effect of an apply, in kubectl's words."""


async def install_crds(cluster: Cluster) -> list[tuple[Object, ApplyOutcome]]:
    """Apply the CustomResourceDefinitions and wait until the cluster serves them.

    Return each with the effect of its apply. Raises what `Cluster.apply` raises.
    """
    applied = [await _apply(cluster, crd) for crd in read_crds()]
    await wait_until_healthy(cluster, [crd for crd, _ in applied], lambda _: None)
    return applied


async def _apply(cluster: Cluster, crd: Object) -> tuple[Object, ApplyOutcome]:
    existing = await cluster.get(crd.ref)
    applied = await cluster.apply(crd)
    if existing is None:
        return applied, "created"
    # The generation counts changes of the spec alone: the status changes when the API begins to serve the kind.
    before, after = (item.integer("metadata", "generation") for item in (existing, applied))
    return applied, "unchanged" if before == after else "configured"


async def require_crds(cluster: Cluster) -> None:
    """Raise RequestError if the cluster does not serve KUDO's resources."""
    try:
        for kind in ("Operator", "OperatorVersion", "Instance"):
            await cluster.namespaced(Object.of(API_VERSION, kind, {}))
    except KindNotFound:
        raise RequestError(
            f"The cluster at {cluster.url} does not serve KUDO's resources. Install them with `kudo init`."
        ) from None
