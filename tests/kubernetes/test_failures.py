"""Requests that only a real API refuses: permissions, quotas, schemas, policies and terminating namespaces."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.objects import NAMESPACE, config_map, deployment, namespace, secret
from support.waiting import until

from kudo.errors import AccessDenied, ResourceValidationError, Unauthenticated
from kudo.kubernetes import Cluster
from kudo.kubernetes.connection import Connection
from kudo.model import yaml
from kudo.model.base import Manifest
from kudo.model.objects import Object

pytestmark = pytest.mark.only_on("control-plane", "the sandbox has neither schemas nor authentication")

ACCOUNT = "limited"


def role(*verbs: str) -> Object:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": list(verbs)}]
    return Object.of("rbac.authorization.k8s.io/v1", "Role", {"name": ACCOUNT, "namespace": NAMESPACE}, rules=rules)


def binding() -> Object:
    return Object.of(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        {"name": ACCOUNT, "namespace": NAMESPACE},
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT},
        subjects=[{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}],
    )


def with_token(kubeconfig: Path, token: str) -> Path:
    """Write a copy of a kubeconfig that authenticates with a token."""
    content = yaml.load(kubeconfig.read_text())
    assert isinstance(content, dict)
    content["users"] = [{"name": "admin", "user": {"token": token}}]
    file = kubeconfig.with_name("other-kubeconfig")
    file.write_text(yaml.dump(content))
    return file


@pytest.fixture
async def limited(cluster: Cluster, kubeconfig: Path) -> AsyncIterator[Cluster]:
    """The cluster, accessed as a ServiceAccount without permissions."""
    await cluster.apply(Object.of("v1", "ServiceAccount", {"name": ACCOUNT, "namespace": NAMESPACE}))
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{ACCOUNT}/token"
    async with await Connection.open() as connection:
        response = await connection.request("POST", path, body={"spec": {}})
    kubeconfig = with_token(kubeconfig, response.body.text("status", "token"))
    async with await Cluster.connect(kubeconfig=kubeconfig) as connected:
        yield connected


async def test_invalid_token_is_refused(kubeconfig: Path) -> None:
    async with await Cluster.connect(kubeconfig=with_token(kubeconfig, "nonsense")) as unauthenticated:
        with pytest.raises(Unauthenticated, match="Unauthorized"):
            await unauthenticated.apply(config_map())


async def test_permissions_apply_as_soon_as_they_are_granted(cluster: Cluster, limited: Cluster) -> None:
    denied = 'applying ConfigMap default/config: configmaps "config" is forbidden: User "system:serviceaccount:default:'
    with pytest.raises(AccessDenied, match=denied):
        await limited.apply(config_map(a="1"))
    for item in (role("get", "patch", "create"), binding()):
        await cluster.apply(item)

    async def applied() -> Object | None:
        try:
            return await limited.apply(config_map(a="1"))
        except AccessDenied:
            return None

    assert (await until(applied)).strings("data") == {"a": "1"}
    # Verbs are granted separately: get is granted, delete is not.
    assert await limited.get(config_map().ref) is not None
    with pytest.raises(AccessDenied, match=r"deleting ConfigMap default/config: .* cannot delete resource"):
        await limited.delete(config_map().ref)


async def test_apply_above_a_quota_is_refused(cluster: Cluster) -> None:
    quota = Object.of(
        "v1", "ResourceQuota", {"name": "little", "namespace": NAMESPACE}, spec={"hard": {"count/secrets": "0"}}
    )
    applied = await cluster.apply(quota)

    async def is_enforced() -> bool:
        found = await cluster.get(applied.ref)
        return found is not None and found.has("status", "hard")

    await until(is_enforced)
    with pytest.raises(AccessDenied, match="exceeded quota: little"):
        await cluster.apply(secret(password="swordfish"))


async def test_apply_in_a_terminating_namespace_is_refused(cluster: Cluster) -> None:
    terminating = await cluster.apply(namespace("leaving"))
    content = Object.of("v1", "ConfigMap", {"name": "a", "namespace": "leaving", "finalizers": ["example.com/hold"]})
    kept = await cluster.apply(content)
    await cluster.delete(terminating.ref)
    other = Object.of("v1", "ConfigMap", {"name": "b", "namespace": "leaving"})
    with pytest.raises(AccessDenied, match="because it is being terminated"):
        await cluster.apply(other)
    await cluster.patch(kept.ref, {"metadata": {"finalizers": None}})


def invalid_deployment(**container: object) -> Object:
    item = deployment()
    main: Manifest = {"name": "main", "image": "busybox", **container}
    item.manifest["spec"]["template"]["spec"]["containers"] = [main]
    return item


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (
            invalid_deployment(imagePolicy="Always"),
            r'containers\[name="main"\].imagePolicy: field not declared in schema',
        ),
        (invalid_deployment(env=[{"name": "A", "value": "1"}] * 2), r'env: duplicate entries for key \[name="A"\]'),
        (invalid_deployment(env=[{"name": "A", "value": 17}]), r'env\[name="A"\].value: expected string$'),
        (invalid_deployment(args="--password=swordfish"), r"args: expected list$"),
        (invalid_deployment(env={"PASSWORD": "swordfish"}), r"env: expected list$"),
        (invalid_deployment(resources={"limits": {"memory": "1 GiB"}}), "quantities must match the regular expression"),
        (invalid_deployment(image=""), r"spec.template.spec.containers\[0\].image: Required value"),
    ],
)
async def test_manifest_that_violates_its_schema_is_refused(cluster: Cluster, item: Object, words: str) -> None:
    with pytest.raises(ResourceValidationError, match=rf"^applying Deployment default/web: .*{words}"):
        await cluster.apply(item)


async def test_schema_error_of_a_secret_names_the_field_without_its_value(cluster: Cluster) -> None:
    with pytest.raises(ResourceValidationError) as error:
        await cluster.apply(secret(password=4711))
    assert str(error.value).endswith(".stringData.password: expected string")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"stringData": "swordfish"}, ".stringData: expected map"),
        ({"stringData": ["swordfish"]}, ".stringData: expected map"),
        ({"data": {"password": "swordfish!"}}, "illegal base64 data"),
    ],
)
async def test_malformed_secret_is_refused_without_its_value(cluster: Cluster, fields: Manifest, words: str) -> None:
    with pytest.raises(ResourceValidationError) as error:
        await cluster.apply(Object.of("v1", "Secret", {"name": "secret", "namespace": NAMESPACE}, **fields))
    assert words in str(error.value)
    assert "swordfish" not in str(error.value)


async def test_policy_message_that_quotes_a_secret_is_not_reported(cluster: Cluster) -> None:
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"], "operations": ["CREATE"]}]
    message = "'bad value ' + (has(object.data) ? string(object.data['password']) : '')"
    policy = Object.of(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
        {"name": "quoting"},
        spec={
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": rules},
            "validations": [{"expression": "false", "messageExpression": message, "reason": "Forbidden"}],
        },
    )
    spec = {"policyName": "quoting", "validationActions": ["Deny"]}
    kind = "ValidatingAdmissionPolicyBinding"
    bound = Object.of("admissionregistration.k8s.io/v1", kind, {"name": "quoting"}, spec=spec)
    for item in (policy, bound):
        await cluster.apply(item)

    async def denied() -> str | None:
        try:
            await cluster.apply(secret(password="swordfish"))
        except AccessDenied as error:
            return str(error)
        await cluster.delete(secret().ref)
        return None

    try:
        assert await until(denied) == "applying Secret default/secret: Forbidden"
    finally:
        await cluster.delete(bound.ref)
        await cluster.delete(policy.ref)
