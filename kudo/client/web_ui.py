"""The addresses of runs in Temporal's Web UI."""

import os
from urllib.parse import quote

from temporalio.client import Client

UI = "KUDO_TEMPORAL_UI"
"""The environment variable with the address of Temporal's Web UI."""


def find_ui(client: Client) -> str:
    """Return the address of the Web UI, from KUDO_TEMPORAL_UI or that of Temporal Cloud; empty if it is not known."""
    cloud = "https://cloud.temporal.io" if "tmprl.cloud" in client.service_client.config.target_host else ""
    return os.environ.get(UI, cloud).rstrip("/")


def address_of_run(ui: str, namespace: str, workflow_id: str, run_id: str) -> str:
    """Return the address of a run in the Web UI with the address `ui`; `namespace` is Temporal's."""
    return f"{ui}/namespaces/{namespace}/workflows/{quote(workflow_id, safe='')}/{run_id}/history"
