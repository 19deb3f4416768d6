"""The errors for responses of the Kubernetes API: their types, and messages without the parts that quote an object."""

import pytest

from kudo.errors import ApiOutage, ClusterUnavailable, ImmutableField, KudoError, ResourceValidationError
from kudo.kubernetes.failures import failure
from kudo.model.objects import Object


def status(message: str, field: str = "spec") -> Object:
    return Object({"kind": "Status", "message": message, "details": {"causes": [{"message": message, "field": field}]}})


@pytest.mark.parametrize(
    "message",
    [
        "field is immutable",
        "cannot change roleRef",
        'Invalid value: "x": cannot be changed',
        "cannot be updated",
        "must not be changed",
        "may not change once set",
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'template' are forbidden",
    ],
)
def test_words_for_immutable_fields_are_known(message: str) -> None:
    assert type(failure(422, status(message), "applying X")) is ImmutableField


@pytest.mark.parametrize(
    "message", ["Required value", "must be greater than 0", "cannot be empty", "may not be specified"]
)
def test_other_words_are_a_validation_error(message: str) -> None:
    assert type(failure(422, status(message), "applying X")) is ResourceValidationError


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("a: Invalid value: core.PodSpec{Env: [{PW hunter2}]}: is wrong", "a: is wrong"),
        ('a: Invalid value: {"pw": "hunter2}: x"}: is wrong', "a: is wrong"),
        ("a: Invalid value: [hunter2 without an end", "a: "),
        ("a: Invalid value: null: is wrong", "a: is wrong"),
        ("a is wrong\n@@ -1 +1 @@\n-hunter2", "a is wrong"),
        ("a: expected string, got &value.valueUnstructured{hunter2}", "a: expected string"),
        ('a: Invalid value: "short": is wrong', 'a: Invalid value: "short": is wrong'),
    ],
)
def test_quoted_objects_are_removed(message: str, shown: str) -> None:
    assert str(failure(422, status(message), "applying X")) == f"applying X: {shown}"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("part", ["Invalid value: {", "updates to ", ", got {", "Invalid value: null: ", "\n@@", "]: "])
def test_long_messages_take_linear_time(part: str) -> None:
    """The API quotes an object of up to three megabytes, whose content a package chooses."""
    error = failure(422, status(part * (1_000_000 // len(part))), "applying X")
    assert len(str(error)) < 3_000


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (429, ApiOutage),
        (502, ApiOutage),
        (503, ApiOutage),
        (504, ApiOutage),
        (500, ClusterUnavailable),
        (408, ClusterUnavailable),
    ],
)
def test_outages_are_told_from_failures(code: int, error: type[KudoError]) -> None:
    assert type(failure(code, status("so it is"), "applying X")) is error


@pytest.mark.parametrize(("seconds", "delay"), [(0, None), (7, 7), (100_000, 300)])
def test_delay_that_the_api_asks_for_is_kept(seconds: int, delay: int | None) -> None:
    body = Object({"message": "slow down", "details": {"retryAfterSeconds": seconds}})
    retry_after = failure(429, body, "applying X").retry_after
    assert (retry_after.total_seconds() if retry_after else None) == delay
