"""docker-compose.yml and Dockerfile, as far as they can be checked without an engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import ComposeSpecification

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return content


def test_it_follows_the_compose_specification(compose: dict[str, Any]) -> None:
    ComposeSpecification.model_validate(compose, extra="forbid", by_alias=True)


def test_what_runs_is_health_checked_and_what_ends_is_waited_for(compose: dict[str, Any]) -> None:
    services = compose["services"]
    ending = {"schema", "namespace"}
    assert {name for name, service in services.items() if "healthcheck" not in service} == ending
    conditions = {
        (name, needed, how["condition"])
        for name, service in services.items()
        for needed, how in service.get("depends_on", {}).items()
    }
    assert conditions == {
        ("schema", "postgresql", "service_healthy"),
        ("temporal", "schema", "service_completed_successfully"),
        ("namespace", "temporal", "service_healthy"),
        ("ui", "temporal", "service_healthy"),
        ("worker", "namespace", "service_completed_successfully"),
    }


def test_every_image_has_a_version(compose: dict[str, Any]) -> None:
    images = [service["image"] for service in compose["services"].values() if "image" in service]
    assert all(re.search(r":\d", image) for image in images)


def test_nothing_is_open_to_the_network(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_image_has_all_that_is_installed() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    pyproject = (ROOT / "pyproject.toml").read_text()
    included = re.search(r"only-include = \[(.*)\]", pyproject)
    assert included is not None
    for name in re.findall(r'"([^"]+)"', included[1]):
        assert re.search(rf"^COPY .*\b{re.escape(name)}\b", dockerfile, re.MULTILINE), name


def test_the_worker_does_not_run_as_root() -> None:
    assert re.search(r"^USER \d+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_image_installs_the_locked_versions() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert {"build", "runtime"} == set(
        re.findall(r"--require-hashes --requirement requirements/(\w+)\.txt", dockerfile)
    )
