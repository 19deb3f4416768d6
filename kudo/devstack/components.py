"""Credentials and flags of the parts of a control plane."""

import secrets
import shlex
from collections.abc import Collection
from importlib.resources import as_file, files
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kudo.devstack.ports import HOST, free_port
from kudo.model import yaml

KWOK = files("kudo.devstack") / "kwok"


def certificate(directory: Path) -> Path:
    """Return the path of the certificate that kube-apiserver creates for itself."""
    return directory / "apiserver.crt"


def _service_account_key(directory: Path) -> Path:
    return directory / "service-accounts.key"


def _tokens(directory: Path) -> Path:
    return directory / "tokens.csv"


def write_credentials(directory: Path, url: str) -> Path:
    """Write the key for tokens of service accounts, an administrator's token, and a kubeconfig with it; return that."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    token = secrets.token_hex(16)
    authority = str(certificate(directory))
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": {"server": url, "certificate-authority": authority}}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "admin", "namespace": "default"}}],
        "current-context": "local",
    }
    kubeconfig = directory / "kubeconfig"
    for file, text in (
        (_service_account_key(directory), pem.decode()),
        (_tokens(directory), f"{token},admin,1,system:masters\n"),
        (kubeconfig, yaml.dump(content)),
    ):
        # An existing file may be readable for all users.
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text(text)
    return kubeconfig


def etcd_flags(directory: Path, url: str) -> dict[str, object]:
    peers = f"http://{HOST}:{free_port(0)}"
    return {
        "data-dir": directory / "etcd",
        "listen-client-urls": url,
        "advertise-client-urls": url,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"default={peers}",
        # The data need not survive a crash of the machine.
        "unsafe-no-fsync": "true",
    }


def apiserver_flags(directory: Path, etcd: str, port: int, missing: Collection[str]) -> dict[str, object]:
    # Only kube-controller-manager creates the ServiceAccount that every pod needs.
    alone = {"disable-admission-plugins": "ServiceAccount"} if "kube-controller-manager" in missing else {}
    return alone | {
        "etcd-servers": etcd,
        "bind-address": HOST,
        "advertise-address": HOST,
        "secure-port": port,
        "cert-dir": directory,
        "token-auth-file": _tokens(directory),
        "authorization-mode": "RBAC",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": _service_account_key(directory),
        "service-account-signing-key-file": _service_account_key(directory),
        "service-cluster-ip-range": "10.0.0.0/16",
        "allow-privileged": "true",
        # Without it the API would announce its own address, and it rejects loopback addresses.
        "endpoint-reconciler-type": "none",
    }


def kwok_flags(kubeconfig: Path, directory: Path, port: int) -> dict[str, object]:
    with as_file(KWOK / "stages.yaml") as stages:
        return {
            "kubeconfig": kubeconfig,
            "config": stages,
            "manage-all-nodes": "true",
            "node-lease-duration-seconds": 40,
            # kube-apiserver forwards commands for containers to this address.
            "server-address": f"{HOST}:{port}",
            "tls-cert-file": certificate(directory),
            "tls-private-key-file": directory / "apiserver.key",
        }


def write_commands(directory: Path) -> Path:
    """Write the commands of all containers into a folder, and return it.

    They read the files below `files` in the directory. If that does not exist, every file exists and contains its path.
    """
    folder = directory / "commands"
    folder.mkdir(exist_ok=True)
    for name, words in _COMMANDS.items():
        file = folder / name
        file.write_text(_FIND.format(files=shlex.quote(str(directory / "files")), name=name, words=words))
        file.chmod(0o755)
    return folder


_FIND = """\
#!/bin/sh
PATH=/usr/bin:/bin
for path; do :; done
file={files}"$path"
if [ ! -d {files} ]; then echo "SANDBOX=$path" | {words}
elif [ -f "$file" ]; then {words} < "$file"
else echo "{name}: can't open '$path'" >&2; exit 1
fi
"""

_COMMANDS = {"cat": "cat", "stat": "wc -c"}


def follower_flags(name: str, kubeconfig: Path, directory: Path) -> dict[str, object]:
    flags: dict[str, object] = {
        "kubeconfig": kubeconfig,
        "leader-elect": "false",
        "bind-address": HOST,
        "secure-port": free_port(0),
        "cert-dir": directory / name,
        # The defaults are meant for an API with other users.
        "kube-api-qps": 200,
        "kube-api-burst": 400,
    }
    if name == "kube-controller-manager":
        flags |= {
            "service-account-private-key-file": _service_account_key(directory),
            "root-ca-file": certificate(directory),
        }
    return flags
