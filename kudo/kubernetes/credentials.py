"""The credentials of a connection: read from a kubeconfig or the service account of the pod, and read again.

Credentials rotate: a file with a token, a client certificate, the answer of a credential plugin, or the kubeconfig
itself is replaced while a worker runs.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import yaml
from kubernetes.aio import client, config

from kudo.errors import ConfigurationError

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

_MALFORMED = (AttributeError, LookupError, TypeError, ValueError)
"""Errors that the library raises for a malformed kubeconfig, which it does not validate."""

PluginFailed = config.ConfigException
"""What the library raises if a credential plugin fails when a token is renewed."""

Stamp = tuple[tuple[str, int, int], ...]
"""The path, the time of the last change in nanoseconds, and the size of each file with credentials."""


class Credentials:
    """The source of credentials: a context of a kubeconfig, or the service account of the pod."""

    def __init__(self, context: str | None = None, kubeconfig: Path | None = None) -> None:
        self._files = str(kubeconfig) if kubeconfig else _kubeconfig()
        self._context = context
        self._used: set[str] = set(self._files.split(os.pathsep)) if self._files else set()

    async def load(self) -> client.Configuration:
        """Read the credentials, and run the credential plugin if there is one. Raises ConfigurationError."""
        with self._explained():
            return await self._load()

    def namespace(self) -> str:
        """Return the namespace of the context, or of the service account. Raises ConfigurationError."""
        with self._explained():
            return self._namespace()

    def stamp(self) -> Stamp:
        """Return the state of the files that the last `load` has read; it differs when one was replaced."""
        found = []
        for path in sorted(self._used):
            try:
                status = Path(path).stat()
            except OSError:
                continue  # It is being replaced.
            found.append((path, status.st_mtime_ns, status.st_size))
        return tuple(found)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the errors of the library into ConfigurationError."""
        try:
            yield
        except (config.ConfigException, yaml.YAMLError, OSError, *_MALFORMED) as error:
            reason = " ".join(str(error).split())
            raise ConfigurationError(f"The kubeconfig {self._files} cannot be used: {reason}") from None

    async def _load(self) -> client.Configuration:
        configuration = client.Configuration()
        # A watch holds a connection while it lasts, so a limit would block the requests.
        configuration.connection_pool_maxsize = 0
        if self._files is not None:
            loader = await config.load_kube_config(self._files, self._context, configuration, persist_config=False)
            _keep_fresh(loader, configuration)
            user = loader._user or {}
            if "tokenFile" in user:
                self._used.add(str(user["tokenFile"]))
        elif "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(configuration)
            self._used.add(str(_SERVICE_ACCOUNT / "token"))
        else:
            raise ConfigurationError(
                "There is no kubeconfig: neither $KUBECONFIG nor ~/.kube/config exists. "
                "Set KUBECONFIG, or start a sandbox cluster with `kudo dev`."
            )
        # With trust_env, each request would look into the environment and ~/.netrc, in a thread; and a password of
        # ~/.netrc for this host would take the place of the credentials.
        configuration.client_session_kwargs = {"trust_env": False}
        configuration.proxy = configuration.proxy or _proxy_for(str(configuration.host))
        named = (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
        self._used |= {str(path) for path in named if path}
        return configuration

    def _namespace(self) -> str:
        if self._files is None:
            file = _SERVICE_ACCOUNT / "namespace"
            return file.read_text().strip() if file.is_file() else "default"
        contexts, current = config.list_kube_config_contexts(self._files)
        chosen = next((item for item in contexts if item["name"] == self._context), current)
        return str(chosen["context"].get("namespace") or "default")


def _keep_fresh(loader: Any, configuration: client.Configuration) -> None:
    """Renew the token of a credential plugin when it expires. Raises ConfigurationError if it returns none."""
    if "exec" not in (loader._user or {}):
        return
    if not configuration.api_key and not configuration.cert_file:
        command = loader._user["exec"]["command"]
        raise ConfigurationError(f"The credential plugin {command} of the kubeconfig returned no credentials.")

    async def refresh(target: client.Configuration) -> None:
        # A token without an expiry never expires, and to request another one starts a program.
        if hasattr(loader, "exec_plugin_expiry") and await loader.load_from_exec_plugin():
            target.api_key["BearerToken"] = loader.token

    configuration.refresh_api_key_hook = refresh


def _proxy_for(url: str) -> str | None:
    """Return the proxy that the environment sets for a URL; None without one."""
    address = urlsplit(url)
    return None if proxy_bypass(address.hostname or "") else getproxies().get(address.scheme)


def _kubeconfig() -> str | None:
    files = os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    return files if any(Path(file).is_file() for file in files.split(os.pathsep)) else None
