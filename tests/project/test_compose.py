"""docker-compose.yml and Dockerfile, as far as they can be checked without Docker."""

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


def test_compose_file_follows_the_specification(compose: dict[str, Any]) -> None:
    ComposeSpecification.model_validate(compose, extra="forbid", by_alias=True)


def test_services_wait_until_dependencies_are_healthy_or_completed(compose: dict[str, Any]) -> None:
    services = compose["services"]
    one_shot = {"schema", "namespace"}
    assert {name for name, service in services.items() if "healthcheck" not in service} == one_shot
    conditions = {
        (name, needed, dependency["condition"])
        for name, service in services.items()
        for needed, dependency in service.get("depends_on", {}).items()
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


def test_ports_are_published_on_localhost_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_image_contains_all_installed_packages() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    pyproject = (ROOT / "pyproject.toml").read_text()
    included = re.search(r"only-include = \[(.*)\]", pyproject)
    assert included is not None
    for name in re.findall(r'"([^"]+)"', included[1]):
        assert re.search(rf"^COPY .*\b{re.escape(name)}\b", dockerfile, re.MULTILINE), name


def test_worker_does_not_run_as_root() -> None:
    assert re.search(r"^USER \d+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_image_installs_the_locked_versions() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert {"build", "runtime"} == set(
        re.findall(r"--require-hashes --requirement requirements/(\w+)\.txt", dockerfile)
    )
