"""Findings in SARIF 2.1.0, which code hosts show beside the lines of a change."""

from collections.abc import Iterable
from pathlib import Path

from kudo.model.base import JsonObject
from kudo.verification.finding import Finding


def as_sarif(found: Iterable[Finding], root: Path, version: str) -> JsonObject:
    """Return the findings of the package in a directory as one run of `kudo` of a version."""
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "kudo", "version": version, "rules": [{"id": "package-verify"}]}},
                "results": [_result(finding, root) for finding in found],
            }
        ],
    }


def _result(finding: Finding, root: Path) -> JsonObject:
    location: JsonObject = {"artifactLocation": {"uri": (root / (finding.file or "operator.yaml")).as_posix()}}
    if finding.line is not None:
        location["region"] = {"startLine": finding.line}
    return {
        "ruleId": "package-verify",
        "level": finding.severity,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": location}],
    }
