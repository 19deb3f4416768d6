"""An API key and a certificate for Temporal that are replaced while a worker runs."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from support.waiting import until
from temporalio.client import Client

from kudo.client import connection
from kudo.client.connection import TemporalIdentity


def profile(file: Path, key: str, certificate: str) -> None:
    file.write_text(
        f'[profile.default]\napi_key = "{key}"\n[profile.default.tls]\nclient_cert_data = "{certificate}"\n'
    )


async def test_replaced_key_is_used_and_replaced_certificate_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "temporal.toml"
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    monkeypatch.setattr(connection, "ROTATION", 0.01)
    profile(file, "old", "certificate 1")
    client = SimpleNamespace(api_key="old")
    watching = asyncio.create_task(TemporalIdentity().replaced(cast(Client, client)))
    file.write_text("[profile.default")
    await asyncio.sleep(0.05)
    profile(file, "new", "certificate 1")

    async def has_new_key() -> bool:
        return client.api_key == "new"

    await until(has_new_key)
    assert not watching.done()
    profile(file, "new", "certificate 2")
    await asyncio.wait_for(watching, 10)
