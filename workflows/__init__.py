"""The workflows: deterministic, and without I/O."""

from workflows.phase import Phase
from workflows.plan import Plan

WORKFLOWS = [Plan, Phase]
"""All workflows that a worker runs."""
