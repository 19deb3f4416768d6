"""A copy of an object under another name, to test in a dry run whether the API accepts it."""

from kudo.model.base import Manifest
from kudo.model.objects import Object

_END, _LONGEST = "-kudo-dry-run", 63
"""The suffix of its name, and the maximum length of a name of the strictest kinds."""


def dry_run_twin(item: Object) -> Object:
    """Return a copy under another name, without the ports and addresses that the existing object occupies."""
    name = item.name[: _LONGEST - len(_END)].rstrip("-.") + _END
    twin: Manifest = {**item.manifest, "metadata": {**item.child("metadata").manifest, "name": name}}
    if (item.group, item.kind) == ("", "Service"):
        twin["spec"] = _without_addresses(item.child("spec").manifest)
    return Object(twin)


def _without_addresses(spec: Manifest) -> Manifest:
    left = {key: value for key, value in spec.items() if key not in ("healthCheckNodePort", "loadBalancerIP")}
    if spec.get("clusterIP") != "None":
        left = {key: value for key, value in left.items() if key not in ("clusterIP", "clusterIPs")}
    ports = Object(spec).children("ports")
    if ports:
        left["ports"] = [{key: value for key, value in port.manifest.items() if key != "nodePort"} for port in ports]
    return left
