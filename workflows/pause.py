"""Holding a plan back: no further step is started, and the clocks of what has not begun stand still."""

from datetime import datetime, timedelta

from temporalio import workflow


class Pause:
    """Whether a plan, or a phase of it, is paused, and how long it was."""

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._before = timedelta(0)

    @property
    def on(self) -> bool:
        """Whether it is paused now."""
        return self._since is not None

    @property
    def lasted(self) -> timedelta:
        """How long it was paused, altogether."""
        return self._before + (workflow.now() - self._since if self._since else timedelta(0))

    def set(self, paused: bool) -> None:
        """Begin a pause, or end it."""
        if not paused:
            self._before, self._since = self.lasted, None
        elif self._since is None:
            self._since = workflow.now()

    async def over(self) -> None:
        """Wait until it is not paused."""
        if self.on:
            await workflow.wait_condition(lambda: not self.on)
