"""Reading what pods depend on."""

import copy
from collections.abc import Awaitable, Callable, Iterable

from kudo.manifests.dependencies import dependencies, set_hash
from kudo.model.objects import Object, ObjectRef

Read = Callable[[ObjectRef], Awaitable[Object | None]]
"""Reads an object; None where it is not there."""


async def with_dependency_hashes(read: Read, objects: Iterable[Object]) -> list[Object]:
    """Copies of workloads that say what their pods depend on, as it is read now; others as they are.

    Raises what `read` raises.
    """
    known: dict[ObjectRef, Object | None] = {}
    hashed = []
    for item in objects:
        refs = dependencies(item)
        for ref in refs:
            if ref not in known:
                known[ref] = await read(ref)
        if refs:
            item = Object(copy.deepcopy(item.manifest))
            set_hash(item, {ref: known[ref] for ref in refs})
        hashed.append(item)
    return hashed
