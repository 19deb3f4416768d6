"""The tree of a plan's status."""

from kudo.model.plans import Plan
from kudo.model.status import ExecutionStatus, PhaseStatus, PlanStatus, StepStatus
from kudo.model.tree import status_tree


def test_failing_step_is_shown_with_its_status() -> None:
    status = PlanStatus(
        name="deploy",
        strategy="serial",
        status=ExecutionStatus.IN_PROGRESS,
        phases=[
            PhaseStatus(
                name="main",
                status=ExecutionStatus.IN_PROGRESS,
                steps=[StepStatus(name="everything", status=ExecutionStatus.ERROR)],
            )
        ],
    )
    assert status_tree("first-operator-zljnmj", status) == (
        "└── first-operator-zljnmj\n"
        "   └── Plan deploy (serial strategy) [IN_PROGRESS]\n"
        "      └── Phase main [IN_PROGRESS]\n"
        "         └── Step everything (ERROR)"
    )


def test_siblings_and_message_lines_are_drawn_as_branches() -> None:
    deploy = PlanStatus(
        name="deploy",
        strategy="parallel",
        status=ExecutionStatus.FATAL_ERROR,
        phases=[
            PhaseStatus(
                name="one",
                status=ExecutionStatus.FATAL_ERROR,
                steps=[
                    StepStatus(name="a", status=ExecutionStatus.FATAL_ERROR, message="it broke\nfor good"),
                    StepStatus(name="b", status=ExecutionStatus.CANCELLED),
                ],
            ),
            PhaseStatus(name="two", steps=[StepStatus(name="c")]),
        ],
    )
    backup = PlanStatus(name="backup", status=ExecutionStatus.CANCELLED, message="it takes too long")
    assert status_tree("db", deploy, backup).splitlines() == [
        "└── db",
        "   ├── Plan deploy (parallel strategy) [FATAL_ERROR]",
        "   │  ├── Phase one [FATAL_ERROR]",
        "   │  │  ├── Step a (FATAL_ERROR)",
        "   │  │  │  ├── it broke",
        "   │  │  │  └── for good",
        "   │  │  └── Step b (CANCELLED)",
        "   │  └── Phase two [PENDING]",
        "   │     └── Step c (PENDING)",
        "   └── Plan backup [CANCELLED]",
        "      └── it takes too long",
    ]


def test_plan_message_precedes_phases() -> None:
    status = PlanStatus(name="deploy", message="stopped", phases=[PhaseStatus(name="main")])
    assert status_tree("db", status).splitlines() == [
        "└── db",
        "   └── Plan deploy [PENDING]",
        "      ├── stopped",
        "      └── Phase main [PENDING]",
    ]


def test_instance_without_plans_is_a_leaf() -> None:
    assert status_tree("db") == "└── db"


def test_pending_plan_shows_all_steps_as_pending() -> None:
    plan = Plan.model_validate(
        {
            "strategy": "parallel",
            "phases": [{"name": "main", "steps": [{"name": "a"}, {"name": "b"}]}, {"name": "late", "steps": []}],
        }
    )
    assert status_tree("db", PlanStatus.pending("deploy", plan)).splitlines() == [
        "└── db",
        "   └── Plan deploy (parallel strategy) [PENDING]",
        "      ├── Phase main [PENDING]",
        "      │  ├── Step a (PENDING)",
        "      │  └── Step b (PENDING)",
        "      └── Phase late [PENDING]",
    ]
