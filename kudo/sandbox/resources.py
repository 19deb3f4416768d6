"""The resources that are served: a table of the built-in ones, and those that CRDs define."""

from collections.abc import Iterator
from dataclasses import dataclass

from kudo.sandbox.objects import Object, condition, dig

CRDS = "apiextensions.k8s.io/customresourcedefinitions"


@dataclass(frozen=True)
class Resource:
    """A resource in one version of its API group."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    status: bool = False
    short: tuple[str, ...] = ()
    singular: str = ""
    categories: tuple[str, ...] = ()
    scale: bool = False
    custom: bool = False
    columns: tuple[tuple[str, str, str], ...] = ()  # (name, type, jsonPath) of additional printer columns

    @property
    def key(self) -> str:
        """The key of its objects in the store, which all versions of a group share."""
        return f"{self.group}/{self.plural}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def view(self, obj: Object) -> Object:
        """Return a stored object in this version."""
        return obj if obj["apiVersion"] == self.api_version else {**obj, "apiVersion": self.api_version}


# Group and versions, then per resource: plural, kind, flags and short names. Flags: n namespaced,
# s status subresource, c scale subresource, a part of the category "all".
_TABLE: tuple[tuple[str, str, tuple[tuple[str, str, str, str], ...]], ...] = (
    (
        "",
        "v1",
        (
            ("namespaces", "Namespace", "s", "ns"),
            ("nodes", "Node", "s", "no"),
            ("pods", "Pod", "nsa", "po"),
            ("services", "Service", "nsa", "svc"),
            ("configmaps", "ConfigMap", "n", "cm"),
            ("secrets", "Secret", "n", ""),
            ("serviceaccounts", "ServiceAccount", "n", "sa"),
            ("persistentvolumeclaims", "PersistentVolumeClaim", "ns", "pvc"),
            ("persistentvolumes", "PersistentVolume", "s", "pv"),
            ("events", "Event", "n", "ev"),
            ("endpoints", "Endpoints", "n", "ep"),
            ("resourcequotas", "ResourceQuota", "ns", "quota"),
            ("limitranges", "LimitRange", "n", "limits"),
            ("replicationcontrollers", "ReplicationController", "nsca", "rc"),
        ),
    ),
    (
        "apps",
        "v1",
        (
            ("deployments", "Deployment", "nsca", "deploy"),
            ("statefulsets", "StatefulSet", "nsca", "sts"),
            ("daemonsets", "DaemonSet", "nsa", "ds"),
            ("replicasets", "ReplicaSet", "nsca", "rs"),
            ("controllerrevisions", "ControllerRevision", "n", ""),
        ),
    ),
    ("batch", "v1", (("jobs", "Job", "nsa", ""), ("cronjobs", "CronJob", "nsa", "cj"))),
    # Kubernetes 1.25 removed v1beta1, but many old operator packages still use it.
    ("policy", "v1 v1beta1", (("poddisruptionbudgets", "PodDisruptionBudget", "ns", "pdb"),)),
    (
        "rbac.authorization.k8s.io",
        "v1",
        (
            ("roles", "Role", "n", ""),
            ("rolebindings", "RoleBinding", "n", ""),
            ("clusterroles", "ClusterRole", "", ""),
            ("clusterrolebindings", "ClusterRoleBinding", "", ""),
        ),
    ),
    (
        "networking.k8s.io",
        "v1",
        (
            ("ingresses", "Ingress", "ns", "ing"),
            ("networkpolicies", "NetworkPolicy", "n", "netpol"),
            ("ingressclasses", "IngressClass", "", ""),
        ),
    ),
    ("storage.k8s.io", "v1", (("storageclasses", "StorageClass", "", "sc"),)),
    ("autoscaling", "v2", (("horizontalpodautoscalers", "HorizontalPodAutoscaler", "nsa", "hpa"),)),
    ("apiextensions.k8s.io", "v1", (("customresourcedefinitions", "CustomResourceDefinition", "s", "crd"),)),
    ("coordination.k8s.io", "v1", (("leases", "Lease", "n", ""),)),
    ("events.k8s.io", "v1", (("events", "Event", "n", "ev"),)),
    (
        "admissionregistration.k8s.io",
        "v1",
        (
            ("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", "", ""),
            ("validatingwebhookconfigurations", "ValidatingWebhookConfiguration", "", ""),
        ),
    ),
    ("scheduling.k8s.io", "v1", (("priorityclasses", "PriorityClass", "", "pc"),)),
)


def built_in() -> Iterator[Resource]:
    """Yield every built-in resource in every version, the preferred version first."""
    for group, versions, entries in _TABLE:
        for version in versions.split():
            for plural, kind, flags, short in entries:
                yield Resource(
                    group=group,
                    version=version,
                    plural=plural,
                    kind=kind,
                    namespaced="n" in flags,
                    status="s" in flags,
                    scale="c" in flags,
                    short=(short,) if short else (),
                    singular=kind.lower(),
                    categories=("all",) if "a" in flags else (),
                )


def custom(crd: Object) -> Iterator[Resource]:
    """Yield the resources of a CRD, none until it is established."""
    spec, names = crd["spec"], crd["spec"]["names"]
    if condition(crd, "Established").get("status") != "True":
        return
    for version in spec["versions"]:
        if version.get("served", True):
            yield Resource(
                group=spec["group"],
                version=version["name"],
                plural=names["plural"],
                kind=names["kind"],
                namespaced=spec["scope"] == "Namespaced",
                status=dig(version, "subresources", "status") is not None,
                short=tuple(names.get("shortNames") or ()),
                singular=names.get("singular") or names["kind"].lower(),
                categories=tuple(names.get("categories") or ()),
                custom=True,
                columns=tuple(
                    (column["name"], column["type"], column["jsonPath"])
                    for column in version.get("additionalPrinterColumns") or ()
                ),
            )


class Registry:
    """The resources that are served at the moment."""

    def __init__(self) -> None:
        self._built_in = tuple(built_in())
        self._custom: dict[str, tuple[Resource, ...]] = {}

    def __iter__(self) -> Iterator[Resource]:
        yield from self._built_in
        for resources in self._custom.values():
            yield from resources

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """Return a resource, or None if it is not served."""
        wanted = (group, version, plural)
        return next((item for item in self if (item.group, item.version, item.plural) == wanted), None)

    def at(self, key: str) -> Resource:
        """Return the preferred version of the resource with a key. Raises KeyError if it is not served."""
        found = next((item for item in self if item.key == key), None)
        if found is None:
            raise KeyError(key)
        return found

    def define(self, crd: Object) -> None:
        """Serve the resources of a CRD, in place of those of its former state."""
        self._custom[crd["metadata"]["name"]] = tuple(custom(crd))

    def remove(self, name: str) -> None:
        """Stop serving the resources of a CRD."""
        self._custom.pop(name, None)
