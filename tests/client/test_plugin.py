"""KudoPlugin lets a worker of another program run plans beside its own workflows."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from support.plans import Installer, dummy, phase, plan, write_package
from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.converter import DataConverter, PayloadCodec
from temporalio.worker import Worker

from kudo.client import TASK_QUEUE
from kudo.errors import ConfigurationError
from kudo.kubernetes import Cluster
from kudo.plugin import KudoPlugin


@activity.defn
async def other_activity() -> str:
    return "done"


@pytest.fixture
def package(installer: Installer) -> object:
    return write_package(
        installer.directory,
        tasks=[dummy("done", done=True)],
        plans={"deploy": plan(phase("main", ("a", ["done"])))},
    )


@pytest.mark.parametrize("on_client", [True, False])
async def test_worker_of_another_program_runs_plans(
    installer: Installer, client: Client, cluster: Cluster, package: object, on_client: bool
) -> None:
    """The plugin works on the client, whose workers inherit it, and on the worker itself."""
    plugin = KudoPlugin(cluster, grace=timedelta(seconds=1))
    host = client.service_client.config.target_host
    worker_client = (
        await Client.connect(host, plugins=[plugin])
        if on_client
        else await Client.connect(host, data_converter=pydantic_data_converter)
    )
    worker = Worker(
        worker_client, task_queue=TASK_QUEUE, activities=[other_activity], plugins=[] if on_client else [plugin]
    )
    async with worker:
        run = await installer.deploy(package)  # type: ignore[arg-type]
        assert (await run.outcome()).complete


async def test_worker_whose_client_cannot_read_plans_is_refused(client: Client, cluster: Cluster) -> None:
    """Without this check every plan would wait forever: a workflow that cannot read its input is retried."""
    plain = await Client.connect(client.service_client.config.target_host)
    with pytest.raises(ConfigurationError, match="cannot read plans"):
        Worker(plain, task_queue=TASK_QUEUE, plugins=[KudoPlugin(cluster)])


def test_plugin_keeps_the_codec_of_a_client(cluster: Cluster) -> None:
    converter = DataConverter(payload_codec=Codec())
    configured = KudoPlugin(cluster).configure_client({"data_converter": converter})  # type: ignore[typeddict-item]
    assert configured["data_converter"].payload_codec is converter.payload_codec
    assert issubclass(configured["data_converter"].payload_converter_class, PydanticPayloadConverter)


class Codec(PayloadCodec):
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)


async def test_plugin_runs_one_worker_only(client: Client, cluster: Cluster) -> None:
    plugin = KudoPlugin(cluster)
    async with Worker(client, task_queue=TASK_QUEUE, plugins=[plugin]):
        pass
    second = Worker(client, task_queue=TASK_QUEUE, plugins=[plugin])
    with pytest.raises(RuntimeError, match="runs one worker once"):
        await second.run()
