"""The variables in envFiles of Pipe tasks, parsed as by `kubectl create --from-env-file`."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kudo.errors import PipeTaskError
from kudo.manifests.pipes import artifact
from kudo.model.execution import Metadata, TaskRequest
from kudo.model.tasks import PipeFile, PipeSpec, PipeTask

FILE = PipeFile(env_file="/tmp/env", kind="ConfigMap", key="key")

KUBECTL = Path(os.environ.get("KUBEBUILDER_ASSETS", "")) / "kubectl"

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,5}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00\n\r\u0085\u2028\u2029"), max_size=8)
LINES = st.one_of(
    st.builds("{}={}".format, NAMES, VALUES),
    st.builds("  \t{}={}".format, NAMES, VALUES),
    st.builds("#{}".format, VALUES),
    st.sampled_from(["", "   "]),
)


def variables(content: bytes) -> dict[str, str]:
    request = TaskRequest(
        phase="phase",
        step="step",
        task=PipeTask(name="task", kind="Pipe", spec=PipeSpec(pod="pod.yaml", pipe=[FILE])),
        templates={},
        params={},
        pipes={"key": "name"},
        metadata=Metadata(
            operator_name="operator",
            operator_version_name="operator-1",
            instance_name="instance",
            instance_namespace="default",
            plan_name="deploy",
            api_version="kudo.dev/v1",
        ),
    )
    return artifact(request, FILE, content).strings("data")


@pytest.mark.skipif(not KUBECTL.exists(), reason=f"no kubectl at {KUBECTL}; `make control-plane` builds it")
@settings(max_examples=40)
@given(
    st.lists(LINES, max_size=6, unique_by=lambda line: line.strip().partition("=")[0]), st.sampled_from(["\n", "\r\n"])
)
def test_variables_are_parsed_as_by_kubectl(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str
) -> None:
    content = end.join(lines).encode()
    file = tmp_path_factory.mktemp("env") / "env"
    file.write_bytes(content)
    command = [KUBECTL, "create", "configmap", "x", f"--from-env-file={file}", "--dry-run=client", "-o", "json"]
    created = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert variables(content) == created.get("data", {})


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"A=1\nhunter2\n", 2), (b"1A=x", 1), (b"A B=x", 1), (b"=x", 1), (b"A=1\n\n# c\nB C", 4)],
)
def test_invalid_line_is_refused(content: bytes, line: int) -> None:
    with pytest.raises(PipeTaskError) as raised:
        variables(content)
    assert str(raised.value) == f"/tmp/env:{line}: the line must have the form NAME=VALUE"


def test_file_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(PipeTaskError, match=r"^/tmp/env: an env file must be UTF-8 text$"):
        variables(b"A=\xff")
