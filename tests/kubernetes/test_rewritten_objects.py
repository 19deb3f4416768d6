"""Whether the API accepts what objects in removed API versions become."""

import pytest
from support.removed_api_versions import CASES

from kudo.kubernetes import Cluster
from kudo.manifests.api_versions import rewritten
from kudo.model.objects import Object


@pytest.mark.only_on("control-plane", "the sandbox does not know the schemas of kinds")
@pytest.mark.parametrize("item", [item for item, _ in CASES.values()], ids=CASES.keys())
async def test_rewritten_object_is_accepted(cluster: Cluster, item: Object) -> None:
    await cluster.dry_run_apply(rewritten(item))
