"""The schema that `kudo package verify` has is that of the tested version of Kubernetes."""

import pytest
from support.kubernetes_schema import FILE, schema_of

from kudo.kubernetes import Cluster
from kudo.kubernetes.connection import Connection
from kudo.model.kubernetes import KUBERNETES_VERSION
from kudo.verification.kubernetes_schema import schema


@pytest.mark.only_on("control-plane", "the sandbox has no schemas")
@pytest.mark.usefixtures("kubeconfig")
async def test_schema_is_that_of_the_api_server() -> None:
    async with await Connection.open() as connection:
        assert await schema_of(connection) == FILE.read_text(), "run `make kubernetes-schema`"


@pytest.mark.only_on("control-plane", "the sandbox has no schemas")
async def test_version_of_kubernetes_is_that_of_the_api_server(cluster: Cluster) -> None:
    assert schema().version == KUBERNETES_VERSION
    assert (await cluster.version()).startswith(f"v{KUBERNETES_VERSION}.")
