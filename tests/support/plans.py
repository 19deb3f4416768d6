"""Packages that tests write, and the plans of their instances."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kudo.client import Plans, Run
from kudo.errors import RequestError
from kudo.instances.pending_plan import clear_pending_plan
from kudo.kubernetes import Cluster
from kudo.model import yaml
from kudo.model.objects import Object, ObjectRef
from kudo.model.tasks import KudoOperatorSpec
from kudo.operations.install import create_instance, install_package
from kudo.operations.session import Session
from kudo.packages import Location, read_bundle

Content = Mapping[str, object]

NAMESPACE = "default"

CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ Name }}-config
data:
  key: value
"""

HANGING_POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: {{ Name }}-pod
  annotations:
    sandbox.kudo.dev/rollout: hang
spec:
  containers:
    - name: main
      image: busybox
"""

HANGING_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ Name }}
spec:
  selector:
    matchLabels:
      app: {{ Name }}
  template:
    metadata:
      labels:
        app: {{ Name }}
      annotations:
        sandbox.kudo.dev/rollout: hang
    spec:
      containers:
        - name: main
          image: busybox
"""

HANGING_JOB = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ Name }}
spec:
  template:
    metadata:
      labels:
        app: {{ Name }}
      annotations:
        sandbox.kudo.dev/rollout: hang
    spec:
      restartPolicy: Never
      containers:
        - name: main
          image: busybox
"""

FAILING_JOB = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ Name }}-job
spec:
  backoffLimit: 0
  template:
    metadata:
      annotations:
        sandbox.kudo.dev/rollout: fail
    spec:
      restartPolicy: Never
      containers:
        - name: main
          image: busybox
"""


def write_package(
    directory: Path,
    *,
    tasks: list[Content],
    plans: Mapping[str, Content],
    params: list[Content] | None = None,
    templates: Mapping[str, str] | None = None,
    api_version: str = "kudo.dev/v1",
    name: str = "tested",
    **fields: str,
) -> Path:
    """Write a package; each plan is a mapping as in operator.yaml, and `fields` are further fields of that file."""
    root = directory / name
    (root / "templates").mkdir(parents=True, exist_ok=True)
    operator = {
        "apiVersion": api_version,
        "name": name,
        "operatorVersion": "1.0.0",
        "kubernetesVersion": "1.25.0",
        "tasks": tasks,
        "plans": plans,
        **fields,
    }
    (root / "operator.yaml").write_text(yaml.dump(operator))
    (root / "params.yaml").write_text(yaml.dump({"apiVersion": api_version, "parameters": params or []}))
    for file, text in (templates or {}).items():
        (root / "templates" / file).write_text(text)
    return root


def apply(name: str, *resources: str) -> Content:
    return {"name": name, "kind": "Apply", "spec": {"resources": list(resources)}}


def delete(name: str, *resources: str) -> Content:
    return {"name": name, "kind": "Delete", "spec": {"resources": list(resources)}}


def toggle(name: str, parameter: str, *resources: str) -> Content:
    return {"name": name, "kind": "Toggle", "spec": {"parameter": parameter, "resources": list(resources)}}


def dummy(name: str, **spec: bool) -> Content:
    return {"name": name, "kind": "Dummy", "spec": spec}


def step(name: str, *tasks: str, **fields: object) -> Content:
    return {"name": name, "tasks": list(tasks), **fields}


def phase(name: str, *steps: tuple[str, list[str]] | Content, strategy: str = "serial", **fields: object) -> Content:
    """Return a phase; a step is a name with its tasks, or the result of `step`."""
    listed = [part if isinstance(part, Mapping) else step(part[0], *part[1]) for part in steps]
    return {"name": name, "strategy": strategy, "steps": listed, **fields}


def plan(*phases: Content, strategy: str = "serial", **fields: object) -> Content:
    return {"strategy": strategy, "phases": list(phases), **fields}


async def no_repository(spec: KudoOperatorSpec) -> Location:
    """Raise RequestError for a package without a path, as there is no repository."""
    raise RequestError(f"{spec.package} is in no repository")


@dataclass(frozen=True)
class Installer:
    """Installs packages and runs the plans of their instances, with the operations of the command line."""

    cluster: Cluster
    plans: Plans
    directory: Path
    rewrite_api_versions: bool = False

    @property
    def session(self) -> Session:
        return Session(self.cluster, self.plans, NAMESPACE)

    async def install_package(self, package: Path) -> None:
        """Install a package without an instance."""
        await install_package(self.session, await read_bundle(Location(package), no_repository))

    async def install(self, package: Path, name: str = "test", **parameters: str) -> None:
        """Install a package and an instance of it, in the state after the start of its plan deploy."""
        bundle = await read_bundle(Location(package), no_repository)
        if self.rewrite_api_versions:
            bundle = bundle.rewriting_api_versions()
        await create_instance(self.session, bundle, name, parameters)
        await clear_pending_plan(self.cluster, self.session.request(name, "deploy"))

    async def start(
        self,
        name: str = "test",
        plan: str = "deploy",
        *,
        resume: bool = False,
        start_from: str = "",
        parameters: Mapping[str, str] = {},
    ) -> Run:
        request = self.session.request(name, plan, resume=resume, start_from=start_from, parameters=parameters)
        return await self.plans.start(request)

    async def deploy(self, package: Path, name: str = "test", **parameters: str) -> Run:
        await self.install(package, name, **parameters)
        return await self.start(name)

    async def get(self, api_version: str, kind: str, name: str) -> Object | None:
        return await self.cluster.get(ObjectRef(api_version, kind, NAMESPACE, name))
