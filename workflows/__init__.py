"""The workflows: deterministic, and without I/O.

`Plan` runs a plan, `Phase` one of its phases as a child workflow, `ScheduledPlan` starts a plan for a Schedule.
"""

from kudo.workflows.phase import Phase
from kudo.workflows.plan import Plan
from kudo.workflows.scheduled_plan import ScheduledPlan

WORKFLOWS = [Plan, Phase, ScheduledPlan]
"""All workflows that a worker runs."""
