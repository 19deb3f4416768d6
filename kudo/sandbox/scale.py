"""The subresource `scale` of workloads."""

from collections.abc import Callable

from kudo.sandbox.objects import Object, dig


def scale_of(obj: Object) -> Object:
    """Return the `Scale` of a workload."""
    metadata = obj["metadata"]
    shown = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    labels = dig(obj, "spec", "selector", "matchLabels", default={})
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in shown if key in metadata},
        "spec": {"replicas": dig(obj, "spec", "replicas", default=0)},
        "status": {
            "replicas": dig(obj, "status", "replicas", default=0),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }


def rescaled(change: Callable[[Object], Object]) -> Callable[[Object], Object]:
    """Turn a change of a `Scale` into a change of its workload."""

    def apply(obj: Object) -> Object:
        scale = change(scale_of(obj))
        obj["spec"]["replicas"] = dig(scale, "spec", "replicas", default=0)
        obj["metadata"]["resourceVersion"] = dig(scale, "metadata", "resourceVersion")
        return obj

    return apply
