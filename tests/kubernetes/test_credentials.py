"""Credentials that are replaced while a connection is open."""

import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support.objects import NAMESPACE, config_map

from kudo.errors import ApiOutage, Unauthenticated
from kudo.kubernetes import Cluster, connection
from kudo.kubernetes.connection import Connection
from kudo.kubernetes.credentials import Credentials
from kudo.model import yaml
from kudo.model.base import JsonObject
from kudo.model.objects import Object

pytestmark = pytest.mark.only_on("control-plane", "the sandbox has no authentication")


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LOOK", 0.0)
    monkeypatch.setattr(connection, "RENEW", 0.0)


@pytest.fixture
async def token(cluster: Cluster) -> str:
    """A token of an account that may do everything."""
    await cluster.apply(Object.of("v1", "ServiceAccount", {"name": "rotating", "namespace": NAMESPACE}))
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    subject = {"kind": "ServiceAccount", "name": "rotating", "namespace": NAMESPACE}
    await cluster.apply(
        Object.of(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            {"name": "rotating", "namespace": NAMESPACE},
            roleRef=role,
            subjects=[subject],
        )
    )
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/rotating/token"
    async with await Connection.open() as open_connection:
        answer = await open_connection.request("POST", path, body={"spec": {}})
    return answer.body.text("status", "token")


def with_user(kubeconfig: Path, user: JsonObject) -> Path:
    """Write a kubeconfig beside another one, for the same API and another user."""
    content = yaml.load(kubeconfig.read_text())
    assert isinstance(content, dict)
    (entry,) = Object(content).children("users")
    entry.manifest["user"] = user
    file = kubeconfig.with_name("rotating")
    file.write_text(yaml.dump(content))
    return file


def by_token_file(kubeconfig: Path, token_file: Path) -> Path:
    return with_user(kubeconfig, {"tokenFile": str(token_file)})


def by_plugin(kubeconfig: Path, token_file: Path) -> Path:
    program = kubeconfig.with_name("plugin")
    answer = '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "%s"}}'
    program.write_text(f"#!/bin/sh\nprintf '{answer}' \"$(cat {token_file})\"\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    plugin: JsonObject = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(program),
        "interactiveMode": "Never",
    }
    return with_user(kubeconfig, {"exec": plugin})


@pytest.mark.parametrize("source", [by_token_file, by_plugin])
async def test_replaced_token_is_read_again(
    kubeconfig: Path, token: str, tmp_path: Path, source: Callable[[Path, Path], Path]
) -> None:
    file = tmp_path / "token"
    file.write_text(token)
    async with await Cluster.connect(kubeconfig=source(kubeconfig, file)) as cluster:
        await cluster.apply(config_map(a="1"))
        file.write_text("expired")
        # The old token is used while the new one is not read; both states are transient.
        for _ in range(3):
            try:
                await cluster.apply(config_map(a="2"))
            except Unauthenticated as error:
                assert "Unauthorized" in str(error)  # noqa: PT017
        file.write_text(token)
        assert (await cluster.apply(config_map(a="3"))).strings("data") == {"a": "3"}


async def test_renewed_kubeconfig_is_read_again(kubeconfig: Path, tmp_path: Path) -> None:
    """As of client certificates, which a program writes into the kubeconfig before they expire."""
    good = kubeconfig.read_text()
    file = with_user(kubeconfig, {"token": "expired"})
    async with await Cluster.connect(kubeconfig=file) as cluster:
        with pytest.raises(Unauthenticated):
            await cluster.apply(config_map(a="1"))
        file.write_text("half of a kubeconf")
        with pytest.raises(Unauthenticated):
            await cluster.apply(config_map(a="1"))
        file.write_text(good)
        assert (await cluster.apply(config_map(a="1"))).strings("data") == {"a": "1"}


async def test_replaced_client_certificate_is_read_again(kubeconfig: Path, token: str, tmp_path: Path) -> None:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    write_certificate(certificate, key)
    user: JsonObject = {"client-certificate": str(certificate), "client-key": str(key), "token": token}
    async with await Connection.open(kubeconfig=with_user(kubeconfig, user)) as opened:
        before = opened._api
        assert (await opened.request("GET", "/version")).ok
        assert opened._api is before
        write_certificate(certificate, key)
        assert (await opened.request("GET", "/version")).ok
        assert opened._api is not before


async def test_password_of_netrc_does_not_replace_the_token(
    kubeconfig: Path, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password swordfish\n")
    netrc.chmod(stat.S_IRUSR | stat.S_IWUSR)
    monkeypatch.setenv("NETRC", str(netrc))
    async with await Cluster.connect(kubeconfig=with_user(kubeconfig, {"token": token})) as cluster:
        assert (await cluster.apply(config_map(a="1"))).strings("data") == {"a": "1"}


@pytest.mark.parametrize(("excluded", "proxy"), [("", "http://proxy.example.com:3128"), ("127.0.0.1", None)])
async def test_proxy_of_the_environment_is_used(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, excluded: str, proxy: str | None
) -> None:
    # The cluster is cleaned without the proxy.
    with monkeypatch.context() as environment:
        for name in ("http_proxy", "https_proxy"):
            environment.setenv(name, "http://proxy.example.com:3128")
        environment.setenv("no_proxy", excluded)
        environment.delenv("NO_PROXY", raising=False)
        assert (await Credentials(kubeconfig=kubeconfig).load()).proxy == proxy


def write_certificate(certificate: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "worker")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


async def test_plugin_that_fails_is_an_outage(kubeconfig: Path, token: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(token)
    async with await Cluster.connect(kubeconfig=by_plugin(kubeconfig, file)) as cluster:
        await cluster.apply(config_map(a="1"))
        kubeconfig.with_name("plugin").write_text("#!/bin/sh\nexit 1\n")
        file.write_text("expired")
        # The identity provider is unavailable: the last token is used as long as the API accepts it.
        assert (await cluster.apply(config_map(a="2"))).strings("data") == {"a": "2"}
    assert issubclass(Unauthenticated, ApiOutage)
