"""What an installation adds to an environment."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
NAMES = ("workflows", "activities", "worker")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    return Path(built)


def test_wheel_claims_no_name_but_kudo(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        texts = [
            archive.read(f"kudo/{name}").decode() for name in ("workflows/plan.py", "activities/plan.py", "worker.py")
        ]
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"kudo"}
    assert texts == [(ROOT / name).read_text() for name in ("workflows/plan.py", "activities/plan.py", "worker.py")]


@pytest.fixture(params=["editable", "wheel"])
def path(request: pytest.FixtureRequest, wheel: Path, tmp_path: Path) -> Iterator[str]:
    """The folder that an installation adds to the path of modules."""
    if request.param == "editable":
        yield str(ROOT / "editable")
        return
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    yield str(tmp_path / "site")


def test_project_with_modules_of_the_same_names_works(path: str, tmp_path: Path) -> None:
    """A Temporal project has its own workflows, activities and worker; each imports its own."""
    project = tmp_path / "project"
    for name in NAMES:
        (project / name).mkdir(parents=True)
        (project / name / "__init__.py").write_text("OWN = True\n")
    program = "; ".join(
        [f"import {name}, kudo.{name}; assert {name}.OWN and not hasattr(kudo.{name}, 'OWN')" for name in NAMES]
    )
    environment = {**os.environ, "PYTHONPATH": path}
    run = subprocess.run(
        [sys.executable, "-c", f"{program}; print(kudo.__file__)"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(path)
    command = [sys.executable, "-c", "from kudo.cli.main import run; run()", "worker", "--check"]
    environment |= {"TEMPORAL_ADDRESS": "localhost:1", "KUDO_RUN_DIR": str(tmp_path)}
    checked = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    assert "Temporal" in checked.stderr
    assert "Traceback" not in checked.stderr
