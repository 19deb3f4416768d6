"""The loop of a package's author: install a package, and apply it again whenever a file of it is saved.

install or upgrade -> follow the plan until it ends, or a file changes -> cancel the plan -> upgrade -> ...
"""

import asyncio
from contextlib import suppress
from pathlib import Path

from kudo.cli.console import err, out, with_severity
from kudo.cli.progress import show
from kudo.client import Run
from kudo.errors import InstanceNotFound, KudoError, PlanNotRunning
from kudo.instances.resources import read_instance
from kudo.operations.install import install
from kudo.operations.session import NO_PARAMETERS, Session
from kudo.operations.upgrade import upgrade
from kudo.packages import PackageResolver

INTERVAL = 0.5
"""Seconds between two looks at the files."""

Files = dict[Path, tuple[int, int]]
"""The time of the last change of each file, in nanoseconds, and its size."""


async def develop(session: Session, root: Path) -> None:
    """Apply the package in a directory, and again whenever a file changes, until cancelled."""
    files = _files(root)
    while True:
        applying = asyncio.create_task(_apply(session, root))
        try:
            files = await _changed(root, files)
        finally:
            applying.cancel()
            with suppress(asyncio.CancelledError):
                await applying
        out.print(f"\n{root} has changed.")


def _files(root: Path) -> Files:
    found: Files = {}
    for path in root.rglob("*"):
        # Editors write a new file and rename it, so a file may be gone.
        with suppress(OSError):
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts):
                status = path.stat()
                found[path] = (status.st_mtime_ns, status.st_size)
    return found


async def _changed(root: Path, before: Files) -> Files:
    """Return the files once they have changed, and then stayed the same for a moment."""
    while True:
        await asyncio.sleep(INTERVAL)
        files = _files(root)
        if files != before and files == _files(root):
            return files


async def _apply(session: Session, root: Path) -> None:
    try:
        run = await _start(session, root)
        if run is None:
            out.print("The package is unchanged.")
            return
        outcome = await show(run, fresh=True)
        if not outcome.complete:
            err.print(with_severity("Error", "red", f"The plan {run.request.plan} ended {outcome.status.status}."))
    except KudoError as error:
        err.print(with_severity("Error", "red", str(error)))
    out.print(f"Waiting for changes in {root} …")


async def _start(session: Session, root: Path) -> Run | None:
    """Install or upgrade the instance, which is named after the operator; None if nothing has changed."""
    with PackageResolver() as resolver:
        bundle = await resolver.resolve(str(root))
    name = bundle.package.operator.name
    try:
        await read_instance(session.cluster, session.namespace, name)
    except InstanceNotFound:
        run = (await install(session, bundle, name, NO_PARAMETERS)).run
        out.print(f"Installed the instance {name} of {bundle.package.operator_version_name}.")
        return run
    with suppress(PlanNotRunning):
        running = await session.plans.cancel(session.namespace, name, "the package has changed")
        await running.outcome()
    changed = await upgrade(session, bundle, name, NO_PARAMETERS, force=True, allow_downgrade=True)
    if changed.run is not None:
        out.print(f"Applied {bundle.package.operator_version_name} to the instance {name}.")
    return changed.run
