"""An object like another that nothing is in the way of, to ask the API whether it would take it."""

from kudo.model.base import Manifest
from kudo.model.objects import Object

_END, _LONGEST = "-kudo-dry-run", 63
"""The end of its name, and how long the names of some kinds may be."""


def dry_run_twin(item: Object) -> Object:
    """The same object under another name, without the ports and addresses that what is there occupies."""
    name = item.name[: _LONGEST - len(_END)].rstrip("-.") + _END
    trial: Manifest = {**item.manifest, "metadata": {**item.child("metadata").manifest, "name": name}}
    if (item.group, item.kind) == ("", "Service"):
        trial["spec"] = _without_places(item.child("spec").manifest)
    return Object(trial)


def _without_places(spec: Manifest) -> Manifest:
    left = {key: value for key, value in spec.items() if key not in ("healthCheckNodePort", "loadBalancerIP")}
    if spec.get("clusterIP") != "None":
        left = {key: value for key, value in left.items() if key not in ("clusterIP", "clusterIPs")}
    ports = Object(spec).children("ports")
    if ports:
        left["ports"] = [{key: value for key, value in port.manifest.items() if key != "nodePort"} for port in ports]
    return left
