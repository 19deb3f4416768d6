"""The sandbox: an API server with simulated controllers in one process.

    request -> server -> api -> store -> watches, resources (of CRDs), controllers.manager
                          ^                                                    |
                          +-------------------- reconcile ---------------------+

The store is the only state. It passes each write as a `Change` with a revision to the watches and the controllers.
"""

import asyncio
import json
import logging
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from kudo.sandbox.api import Api
from kudo.sandbox.controllers import CONTROLLERS
from kudo.sandbox.controllers.cluster import start_cluster
from kudo.sandbox.controllers.manager import Manager
from kudo.sandbox.faults import Faults
from kudo.sandbox.objects import Object
from kudo.sandbox.resources import CRDS, Registry
from kudo.sandbox.server import Requests, Server
from kudo.sandbox.store import Change, Store

_log = logging.getLogger(__name__)

_SAVE_SECONDS = 2.0


class Sandbox:
    """A simulated Kubernetes cluster that serves the API but runs no containers.

    Pods take `rollout` seconds to become ready; the annotation `sandbox.kudo.dev/rollout` (fail, image, hang or a
    number of seconds) on a workload, a pod template or a pod changes this. The file `state` keeps the objects when the
    sandbox is stopped. Not supported: schemas (unknown fields of built-in kinds and custom resources are kept),
    admission webhooks, quotas, access control, conversion between versions, aggregated APIs, and graceful deletion of
    pods.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, rollout: float = 0.5, state: Path | None = None) -> None:
        self._host = host
        self._port = port
        self._state = state
        self._saved = 0
        self._cannot_save = False
        self._store = Store()
        self._registry = Registry()
        self._store.listeners.append(self._serve_crds)
        api = Api(self._registry, self._store)
        self._api = api
        self._manager = Manager(self._store, [kind(api, rollout) for kind in CONTROLLERS])
        self.faults = Faults(self._store.cut, self._store.compact)
        self._server = Server(api, self.faults)
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """The URL of the API, once the sandbox is started."""
        return f"http://{self._host}:{self._port}"

    @property
    def requests(self) -> Requests:
        """The latest requests: method, path and query."""
        return self._server.requests

    @property
    def open_watches(self) -> int:
        """Number of open watches."""
        return self._store.subscribers

    def kubeconfig(self) -> Object:
        """Return a kubeconfig for this sandbox."""
        name = "kudo-sandbox"
        context = {"cluster": name, "user": name, "namespace": "default"}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": self.url}}],
            "users": [{"name": name, "user": {}}],
            "contexts": [{"name": name, "context": context}],
            "preferences": {},
        }

    async def start(self) -> None:
        """Load the state and serve. Raises OSError if the port is taken, ValueError if the state is malformed."""
        await self._load()
        start_cluster(self._api)
        runner = web.AppRunner(
            self._server.application(), access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._port = runner.addresses[0][1]
        self._manager.start()
        self._tasks = [asyncio.create_task(self._manager.run()), asyncio.create_task(self._keep_saved())]

    async def stop(self) -> None:
        """Stop serving, and save the state."""
        self._manager.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._store.cut()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._save()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _serve_crds(self, change: Change) -> None:
        if change.ref[0] != CRDS:
            return
        if change.type == "DELETED":
            self._registry.remove(change.ref[2])
        else:
            self._registry.define(change.object)

    async def _load(self) -> None:
        if self._state is None:
            return
        try:
            self._store.load(json.loads(await asyncio.to_thread(self._state.read_text)))
        except FileNotFoundError:
            return
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{self._state} is not the state of a sandbox") from error
        for crd in self._store.items(CRDS):
            self._registry.define(crd)
        self._saved = self._store.revision

    async def _keep_saved(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_SECONDS)
            try:
                await self._save()
            except OSError as error:
                # The disk may be full for a while; the last saved state is kept, and saving is tried again.
                if not self._cannot_save:
                    _log.warning("The state cannot be saved in %s: %s", self._state, error.strerror)
                self._cannot_save = True
            else:
                self._cannot_save = False

    async def _save(self) -> None:
        if self._state is None or self._saved == self._store.revision:
            return
        revision, text = self._store.revision, json.dumps(self._store.dump())
        await asyncio.to_thread(_replace, self._state, text)
        self._saved = revision


def _replace(path: Path, text: str) -> None:
    # Renamed into place, so that a crash never leaves a partial file.
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(text)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
