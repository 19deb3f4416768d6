"""KUDO's CustomResourceDefinitions, and bringing them into a cluster."""

from importlib import resources
from typing import cast

from kudo.errors import KindNotFound, RequestError
from kudo.kubernetes import Cluster
from kudo.model import yaml
from kudo.model.base import Manifest
from kudo.model.objects import Object
from kudo.model.resources import API_VERSION
from kudo.rollout import wait_until_healthy


def read_crds() -> list[Object]:
    """The CustomResourceDefinitions of Operator, OperatorVersion and Instance."""
    text = resources.files("kudo.instances").joinpath("crds.yaml").read_text()
    return [Object(cast(Manifest, document)) for _, document in yaml.load_documents(text)]


async def install_crds(cluster: Cluster) -> list[Object]:
    """Apply the CustomResourceDefinitions and wait until the cluster serves them. Raises what applying raises."""
    applied = [await cluster.apply(crd) for crd in read_crds()]
    await wait_until_healthy(cluster, applied, lambda _: None)
    return applied


async def require_crds(cluster: Cluster) -> None:
    """Raise RequestError where the cluster does not know KUDO's resources."""
    try:
        for kind in ("Operator", "OperatorVersion", "Instance"):
            await cluster.namespaced(Object.of(API_VERSION, kind, {}))
    except KindNotFound:
        raise RequestError(
            f"The cluster at {cluster.url} does not know KUDO's resources yet. Bring them in with `kudo init`."
        ) from None
