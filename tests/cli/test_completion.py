"""`kudo completion`: the script that it prints completes commands in a real shell."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent

COMPLETE_IN_BASH = """
source <("$1" completion bash)
read -ra COMP_WORDS <<< "$2"
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_kudo_completion "$1"
echo "${COMPREPLY[@]}"
"""


def kudo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / "kudo", *arguments], capture_output=True, text=True)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("kudo plan st", "status"),
        ("kudo plan app", "approve approvals"),
        ("kudo get instances --all", "--all-namespaces"),
        ("kudo nonsense st", ""),
    ],
)
def test_bash_completes_commands_and_options(line: str, completed: str) -> None:
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(
        [bash, "-c", COMPLETE_IN_BASH, "bash", BIN / "kudo", line],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
    )
    assert (done.stdout.strip(), done.stderr) == (completed, "")


@pytest.mark.unit
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_script_calls_kudo(shell: str) -> None:
    done = kudo("completion", shell)
    assert done.returncode == 0
    assert "_KUDO_COMPLETE" in done.stdout


@pytest.mark.unit
def test_unknown_shell_is_refused_with_the_known_ones() -> None:
    done = kudo("completion", "tcsh")
    assert done.returncode == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish', 'powershell'" in done.stderr
