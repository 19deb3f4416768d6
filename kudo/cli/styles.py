"""The colours of statuses."""

from rich.text import Text

from kudo.model.status import ExecutionStatus

STYLES: dict[str, str] = {
    ExecutionStatus.COMPLETE: "green",
    ExecutionStatus.IN_PROGRESS: "cyan",
    ExecutionStatus.ERROR: "yellow",
    ExecutionStatus.FATAL_ERROR: "bold red",
    ExecutionStatus.CANCELLED: "magenta",
    ExecutionStatus.WAITING_APPROVAL: "bold yellow",
    ExecutionStatus.SKIPPED: "dim",
    ExecutionStatus.PENDING: "dim",
    ExecutionStatus.NEVER_RUN: "dim",
}


def styled_status(status: str) -> Text:
    """Return a status in its colour."""
    return Text(status, style=STYLES.get(status, ""))
