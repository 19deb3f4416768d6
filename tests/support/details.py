"""The current details of a workflow, which Temporal's Web UI shows."""

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client

from kudo.client import Run
from support.waiting import until


async def details_with(client: Client, run: Run, text: str) -> list[str]:
    """Return the lines of the current details of a plan, once they contain a text."""
    handle = client.get_workflow_handle(run.workflow_id)

    async def details() -> str:
        metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        return metadata.current_details if text in metadata.current_details else ""

    return (await until(details)).splitlines()
