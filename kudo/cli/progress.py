"""Show the progress of a plan: a live tree in a terminal, plain lines elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime

import typer
from rich.live import Live
from rich.text import Text

from kudo.cli.console import err, out, with_severity
from kudo.cli.styles import STYLES
from kudo.client import Outcome, Run
from kudo.errors import TemporalUnavailable, TimedOut
from kudo.model.status import ExecutionStatus, PlanStatus
from kudo.model.tree import MOST_FOLDED, status_tree, wrapped


async def report_start(run: Run, wait: bool, wait_time: float, verb: str = "has started") -> None:
    """Print that a plan has started or resumed; with `wait`, show it until it ends."""
    request = run.request
    out.print(f"The plan {request.plan} {verb}.")
    if run.link:
        out.print(f"Web UI: {run.link}")
    if not await run.has_worker():
        text = "No worker has polled Temporal recently, so the plan waits. Start one with `kudo worker`."
        err.print(with_severity("Warning", "yellow", text))
    if wait:
        await wait_for(run, wait_time)
    else:
        out.print(f"Show its progress with `kudo plan status {request.options}`.")


async def wait_for(run: Run, seconds: float | None, *, fresh: bool = True) -> None:
    """Show a run until it ends; exit with status 1 if it does not end COMPLETE, or not in time.

    Pass `fresh=False` for a run that started earlier: its first status is then not printed as news.
    """
    outcome = await _in_time(run, seconds, show(run, fresh=fresh))
    if not outcome.complete:
        _explain(run, outcome)
        raise typer.Exit(1)
    out.print(f"The plan {run.request.plan} is COMPLETE.")


async def ended(run: Run, seconds: float | None) -> Outcome:
    """Wait until a run ends, without showing it. Raises TimedOut if it does not end in time."""
    return await _in_time(run, seconds, run.outcome())


async def _in_time(run: Run, seconds: float | None, work: Awaitable[Outcome]) -> Outcome:
    request = run.request
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise TimedOut(
            f"The plan {request.plan} has not ended after {seconds:g} s, and continues. Show its status with "
            f"`kudo plan status {request.options}`."
            f"{await _worker_hint(run)}"
        ) from None


async def _worker_hint(run: Run) -> str:
    try:
        await run.status()
    except TemporalUnavailable:
        return " No worker answers; start one with `kudo worker`."
    return ""


async def show(run: Run, *, fresh: bool = False) -> Outcome:
    """Show a run until it ends; see `wait_for`."""
    async with aclosing(run.follow()) as statuses:
        if out.is_terminal:
            await _show_live(run.request.instance, statuses)
        else:
            await _show_lines(statuses, fresh)
    return await run.outcome()


async def _show_live(instance: str, statuses: AsyncIterator[PlanStatus]) -> None:
    shown: list[PlanStatus] = []
    with live_tree(lambda: styled_tree(instance, *shown, now=datetime.now(UTC))):
        async for status in statuses:
            shown[:] = [status]


@contextmanager
def live_tree(tree: Callable[[], Text]) -> Iterator[None]:
    """Show a changing tree while the body runs; if the output is not a terminal, print its final state."""
    if not out.is_terminal:
        yield
        out.print(tree())
        return
    with Live(console=out, get_renderable=tree, refresh_per_second=4):
        yield


async def _show_lines(statuses: AsyncIterator[PlanStatus], fresh: bool) -> None:
    seen: dict[str, str] = {}
    async for status in statuses:
        if not seen and not fresh:
            seen = dict(_lines(status))
        for name, text in _lines(status):
            if seen.get(name) != text:
                seen[name] = text
                out.print(Text(f"{datetime.now():%H:%M:%S} {name} {text}"))


def _lines(status: PlanStatus) -> Iterator[tuple[str, str]]:
    """Yield the name of each part of a plan and its status; parts that have not started are left out."""
    for phase in status.phases:
        for step in phase.steps:
            if step.status is not ExecutionStatus.PENDING:
                message = f": {step.message}" if step.message else ""
                yield f"step {phase.name}.{step.name}", f"{step.status}{message}"
            for child in step.children:
                for name, text in _lines(child.status) if child.status else ():
                    yield f"{child.instance}: {name}", text
    yield f"plan {status.name}", str(status.status)


def styled_tree(instance: str, *plans: PlanStatus, now: datetime | None = None) -> Text:
    """Return the tree in colours; with `now`, also the duration of each part."""
    text = Text(_fitted_tree(instance, plans, now), no_wrap=False, overflow="fold")
    for status, style in STYLES.items():
        text.highlight_regex(rf"(\[{status}\]|\({status}\))", style)
    text.highlight_regex(r"(?<=\]) PAUSED", "bold yellow")
    return text


def _fitted_tree(instance: str, plans: Sequence[PlanStatus], now: datetime | None) -> str:
    """Return the tree; in a terminal with wrapped lines, and one that changes in a height that stays in view."""
    if not out.is_terminal:
        return status_tree(instance, *plans, now=now)
    for fold in range(MOST_FOLDED + 1):
        tree = wrapped(status_tree(instance, *plans, now=now, fold=fold), out.width)
        if now is None or tree.count("\n") < out.height - 2:
            return tree
    # What runs is rather at the end than at the start.
    return "\n".join(tree.splitlines()[-(out.height - 2) :])


def _explain(run: Run, outcome: Outcome) -> None:
    steps = [f"\n  {phase.name}.{step.name}: {step.message}" for phase, step in outcome.status.failed_steps()] or [
        f" {outcome.message}"
    ]
    err.print(
        Text.assemble(("Error: ", "bold red"), f"The plan {run.request.plan} ended {outcome.status.status}:", *steps)
    )
