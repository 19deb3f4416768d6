"""Reading what pods depend on."""

import copy
from collections.abc import Iterable

from kudo.cluster.cluster import Cluster
from kudo.manifests.dependencies import dependencies, set_hash
from kudo.model.objects import Object, ObjectRef


async def with_dependency_hashes(cluster: Cluster, objects: Iterable[Object]) -> list[Object]:
    """Copies of workloads that say what their pods depend on, as it is in the cluster now; others as they are.

    Raises what `failures` has.
    """
    known: dict[ObjectRef, Object | None] = {}
    hashed = []
    for item in objects:
        refs = dependencies(item)
        for ref in refs:
            if ref not in known:
                known[ref] = await cluster.get(ref)
        if refs:
            item = Object(copy.deepcopy(item.manifest))
            set_hash(item, {ref: known[ref] for ref in refs})
        hashed.append(item)
    return hashed
