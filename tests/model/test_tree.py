"""The tree of a plan's status."""

from kudo.model.plans import Plan
from kudo.model.status import ExecutionStatus, PhaseStatus, PlanStatus, StepStatus
from kudo.model.tree import status_tree


def test_one_failing_step() -> None:
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


def test_branches_beside_each_other_and_messages() -> None:
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


def test_message_of_a_plan_comes_before_its_phases() -> None:
    status = PlanStatus(name="deploy", message="stopped", phases=[PhaseStatus(name="main")])
    assert status_tree("db", status).splitlines() == [
        "└── db",
        "   └── Plan deploy [PENDING]",
        "      ├── stopped",
        "      └── Phase main [PENDING]",
    ]


def test_an_instance_without_plans_is_a_leaf() -> None:
    assert status_tree("db") == "└── db"


def test_a_plan_of_which_nothing_was_started() -> None:
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
