"""Objects in API versions that Kubernetes has removed, with what they become."""

from kudo.model.base import Manifest
from kudo.model.objects import Object
from support.objects import NAMESPACE

POD: Manifest = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "busybox"}]}}
SELECTOR = {"matchLabels": {"app": "web"}}


def old_object(api_version: str, kind: str, name: str = "web", **fields: object) -> Object:
    return Object.of(api_version, kind, {"name": name, "namespace": NAMESPACE}, **fields)


def crd(**spec: object) -> Object:
    names = {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"}
    item = old_object(
        "apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", f"widgets.{spec.get('group', 'example.com')}"
    )
    del item.manifest["metadata"]["namespace"]
    item.manifest["spec"] = {"group": "example.com", "names": names, "scope": "Namespaced", **spec}
    return item


def webhook(**fields: object) -> Object:
    item = old_object("admissionregistration.k8s.io/v1beta1", "ValidatingWebhookConfiguration")
    del item.manifest["metadata"]["namespace"]
    rules = [{"apiGroups": ["example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["widgets"]}]
    hook = {"name": "a.example.com", "clientConfig": {"url": "https://localhost:1"}, "rules": rules, **fields}
    item.manifest["webhooks"] = [hook]
    return item


def autoscaler(version: str, *metrics: Manifest) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "maxReplicas": 3, "metrics": list(metrics)}
    return old_object(f"autoscaling/{version}", "HorizontalPodAutoscaler", spec=spec)


ANYTHING = {"x-kubernetes-preserve-unknown-fields": True}

CASES = {
    "Deployment without selector": (
        old_object("extensions/v1beta1", "Deployment", spec={"template": POD, "rollbackTo": {"revision": 1}}),
        {"apiVersion": "apps/v1", "spec": {"template": POD, "selector": SELECTOR}},
    ),
    "StatefulSet": (
        old_object("apps/v1beta1", "StatefulSet", spec={"template": POD, "serviceName": "web"}),
        {
            "apiVersion": "apps/v1",
            "spec": {
                "template": POD,
                "serviceName": "web",
                "selector": SELECTOR,
                "updateStrategy": {"type": "OnDelete"},
            },
        },
    ),
    "removed fields": (
        old_object(
            "apps/v1beta2",
            "DaemonSet",
            spec={"selector": SELECTOR, "template": {**POD, "metadata": {**POD["metadata"], "initializers": None}}},
        ),
        {"apiVersion": "apps/v1", "spec": {"selector": SELECTOR, "template": POD}},
    ),
    "Ingress": (
        old_object(
            "extensions/v1beta1",
            "Ingress",
            spec={
                "backend": {"serviceName": "rest", "servicePort": "http"},
                "rules": [
                    {
                        "host": "a.b",
                        "http": {"paths": [{"path": "/", "backend": {"serviceName": "a", "servicePort": 80}}]},
                    }
                ],
            },
        ),
        {
            "apiVersion": "networking.k8s.io/v1",
            "spec": {
                "defaultBackend": {"service": {"name": "rest", "port": {"name": "http"}}},
                "rules": [
                    {
                        "host": "a.b",
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "pathType": "ImplementationSpecific",
                                    "backend": {"service": {"name": "a", "port": {"number": 80}}},
                                }
                            ]
                        },
                    }
                ],
            },
        },
    ),
    "PodDisruptionBudget": (
        old_object("policy/v1beta1", "PodDisruptionBudget", spec={"minAvailable": 1, "selector": SELECTOR}),
        {"apiVersion": "policy/v1", "spec": {"minAvailable": 1, "selector": SELECTOR}},
    ),
    "CronJob": (
        old_object(
            "batch/v1beta1",
            "CronJob",
            spec={
                "schedule": "* * * * *",
                "jobTemplate": {"spec": {"template": {"spec": {**POD["spec"], "restartPolicy": "Never"}}}},
            },
        ),
        {"apiVersion": "batch/v1"},
    ),
    "RoleBinding": (
        old_object(
            "rbac.authorization.k8s.io/v1beta1",
            "RoleBinding",
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"},
        ),
        {"apiVersion": "rbac.authorization.k8s.io/v1"},
    ),
    "autoscaler of v2beta1": (
        autoscaler(
            "v2beta1",
            {"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 50}},
            {"type": "Pods", "pods": {"metricName": "rate", "targetAverageValue": "1k"}},
            {
                "type": "Object",
                "object": {
                    "target": {"kind": "Service", "name": "web", "apiVersion": "v1"},
                    "metricName": "hits",
                    "targetValue": "10",
                },
            },
            {"type": "External", "external": {"metricName": "queue", "metricSelector": SELECTOR, "targetValue": "30"}},
        ),
        {
            "apiVersion": "autoscaling/v2",
            "spec": autoscaler(
                "v2",
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
                },
                {
                    "type": "Pods",
                    "pods": {"metric": {"name": "rate"}, "target": {"type": "AverageValue", "averageValue": "1k"}},
                },
                {
                    "type": "Object",
                    "object": {
                        "describedObject": {"kind": "Service", "name": "web", "apiVersion": "v1"},
                        "metric": {"name": "hits"},
                        "target": {"type": "Value", "value": "10"},
                    },
                },
                {
                    "type": "External",
                    "external": {
                        "metric": {"name": "queue", "selector": SELECTOR},
                        "target": {"type": "Value", "value": "30"},
                    },
                },
            ).manifest["spec"],
        },
    ),
    "webhook": (
        webhook(sideEffects="None"),
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "webhooks": [
                {
                    **webhook(sideEffects="None").manifest["webhooks"][0],
                    "failurePolicy": "Ignore",
                    "matchPolicy": "Exact",
                    "timeoutSeconds": 30,
                    "admissionReviewVersions": ["v1beta1"],
                }
            ],
        },
    ),
    "definition without schema": (
        crd(version="v1alpha1", subresources={"status": {}}),
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "spec": {
                **crd().manifest["spec"],
                "versions": [
                    {
                        "name": "v1alpha1",
                        "served": True,
                        "storage": True,
                        "subresources": {"status": {}},
                        "schema": {"openAPIV3Schema": {"type": "object", **ANYTHING}},
                    }
                ],
            },
        },
    ),
    "definition with schema and columns": (
        crd(
            versions=[
                {"name": "v1", "served": True, "storage": True},
                {"name": "v2", "served": True, "storage": False},
            ],
            preserveUnknownFields=False,
            additionalPrinterColumns=[{"name": "Size", "type": "integer", "JSONPath": ".spec.size"}],
            validation={
                "openAPIV3Schema": {
                    "properties": {
                        "metadata": {"properties": {"name": {"maxLength": 5}}},
                        "spec": {
                            "properties": {
                                "size": {"type": "integer", "minimum": 1},
                                "port": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                                "mode": {"enum": ["a", "b"]},
                                "names": {"items": {"type": "string"}, "uniqueItems": True},
                                "any": {"description": "anything"},
                                "map": {"additionalProperties": {"type": "string"}, "type": "object"},
                                "tuple": {"type": "array", "items": [{"type": "string"}]},
                            },
                            "oneOf": [{"required": ["size"]}],
                        },
                    }
                }
            },
        ),
        {
            "spec": {
                **crd().manifest["spec"],
                "versions": [
                    {
                        "name": name,
                        "served": True,
                        "storage": name == "v1",
                        "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
                        "schema": {
                            "openAPIV3Schema": {
                                "type": "object",
                                "properties": {
                                    "metadata": {"type": "object"},
                                    "spec": {
                                        "type": "object",
                                        "properties": {
                                            "size": {"type": "integer", "minimum": 1},
                                            "port": {"x-kubernetes-int-or-string": True},
                                            "mode": {"type": "string", "enum": ["a", "b"]},
                                            "names": {"type": "array", "items": {"type": "string"}},
                                            "any": {"description": "anything", **ANYTHING},
                                            "map": {"type": "object", "additionalProperties": {"type": "string"}},
                                            "tuple": {"type": "array", "items": ANYTHING},
                                        },
                                    },
                                },
                            }
                        },
                    }
                    for name in ("v1", "v2")
                ],
            }
        },
    ),
    "definition of a group of Kubernetes": (
        crd(group="sparkoperator.k8s.io", version="v1"),
        {"apiVersion": "apiextensions.k8s.io/v1"},
    ),
}
