"""The tree of a plan's status."""

from datetime import UTC, datetime

from kudo.model.plans import Plan
from kudo.model.status import ExecutionStatus, PhaseStatus, PlanStatus, StepStatus
from kudo.model.tree import arranged, status_tree, wrapped


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


def step(name: str, status: ExecutionStatus, message: str = "") -> StepStatus:
    return StepStatus(name=name, status=status, message=message)


def test_plan_that_runs_is_last_and_alone_has_its_phases() -> None:
    phases = [PhaseStatus(name="main", steps=[StepStatus(name="a")])]
    at = datetime(2026, 1, 1, tzinfo=UTC)
    never = PlanStatus(name="z", status=ExecutionStatus.NEVER_RUN)
    done = PlanStatus(name="deploy", status=ExecutionStatus.COMPLETE, phases=phases, last_updated_timestamp=at)
    later = PlanStatus(
        name="backup", status=ExecutionStatus.COMPLETE, phases=phases, last_updated_timestamp=at.replace(year=2027)
    )
    running = PlanStatus(name="a", status=ExecutionStatus.IN_PROGRESS, phases=phases, last_updated_timestamp=at)
    assert [plan.name for plan in arranged([done, running, never, later])] == ["z", "deploy", "backup", "a"]
    assert [bool(plan.phases) for plan in arranged([done, running, never, later])] == [False, False, False, True]
    assert [(plan.name, bool(plan.phases)) for plan in arranged([later, done])] == [("deploy", False), ("backup", True)]
    assert done.phases == phases


def test_folded_tree_leaves_out_what_needs_no_attention() -> None:
    complete, pending, running = ExecutionStatus.COMPLETE, ExecutionStatus.PENDING, ExecutionStatus.IN_PROGRESS
    plan = PlanStatus(
        name="deploy",
        status=running,
        phases=[
            PhaseStatus(name="one", status=complete, steps=[step("a", complete)]),
            PhaseStatus(
                name="two",
                status=running,
                steps=[step("b", complete), step("c", complete), step("d", running, "waits"), step("e", pending)],
            ),
            PhaseStatus(name="three", steps=[step("f", pending)]),
        ],
    )
    assert "Step a" in status_tree("db", plan)
    once = status_tree("db", plan, fold=1)
    assert ("Step a" in once, "Step b" in once, "Step f" in once) == (False, True, False)
    assert status_tree("db", plan, fold=2).splitlines() == [
        "└── db",
        "   └── Plan deploy [IN_PROGRESS]",
        "      ├── Phase one [COMPLETE]",
        "      ├── Phase two [IN_PROGRESS]",
        "      │  ├── 2 steps COMPLETE",
        "      │  ├── 1 step PENDING",
        "      │  └── Step d (IN_PROGRESS)",
        "      │     └── waits",
        "      └── Phase three [PENDING]",
    ]


def test_long_message_is_wrapped_beside_its_branch() -> None:
    message = "the quick brown fox jumps over the lazy dog and then it runs away"
    phases = [PhaseStatus(name="p", steps=[step("a", ExecutionStatus.ERROR, message), StepStatus(name="b")])]
    tree = status_tree("db", PlanStatus(name="deploy", phases=phases))
    assert wrapped(tree, 50).splitlines()[3:7] == [
        "         ├── Step a (ERROR)",
        "         │  └── the quick brown fox jumps over the",
        "         │      lazy dog and then it runs away",
        "         └── Step b (PENDING)",
    ]
    assert max(map(len, wrapped(tree, 50).splitlines())) <= 50
    assert wrapped(tree, 200) == tree
