"""Objects that are created once and then kept, such as a Secret with a random password.

The annotation `kudo.dev/create-once: "true"` in a template: if the object exists, no plan changes it, whatever the
template renders to now. A Delete task and an uninstall delete it.
"""

import asyncio
from collections.abc import Iterable

from kudo.kubernetes.cluster import Cluster
from kudo.model.annotations import CREATE_ONCE
from kudo.model.objects import Object, ObjectRef


def is_created_once(item: Object) -> bool:
    """Whether an object is kept once it exists."""
    return item.annotations.get(CREATE_ONCE) == "true"


async def find_kept(cluster: Cluster, items: Iterable[Object]) -> dict[ObjectRef, Object]:
    """Return the live objects that are kept, as far as they exist. Raises the errors of reading a cluster."""
    refs = [item.ref for item in items if is_created_once(item)]
    found = await asyncio.gather(*(cluster.find(ref) for ref in refs))
    return {ref: live for ref, live in zip(refs, found, strict=True) if live is not None}
