"""Every label and annotation of `kudo.dev`, with who sets it and on which objects.

KUDO's own are in its `pkg/util/kudo/labels.go`; they also identify the objects that KUDO's manager created.
"""

HERITAGE = "heritage"
"""Label of every object that belongs to an Instance; the value is `kudo`."""

OPERATOR = "kudo.dev/operator"
"""Label: the name of the operator."""

INSTANCE = "kudo.dev/instance"
"""Label: the name of the Instance."""

INSTANCE_NAMESPACE = "kudo.dev/instance-namespace"
"""Annotation of cluster-scoped objects: the namespace of the Instance."""

ADOPT = "kudo.dev/adopt"
"""Annotation: an Instance may change and delete the object although it was not made for it.

The value is the name of the Instance, or `true`. Set by the object's owner, or by package authors.
"""

PLAN = "kudo.dev/plan"
"""Annotation: the plan that applied the object last."""

PHASE = "kudo.dev/phase"
"""The phase of that plan."""

STEP = "kudo.dev/step"
"""The step of that phase."""

PLAN_UID = "kudo.dev/last-plan-execution-uid"
"""The run of that plan: the run ID of its workflow."""

OPERATOR_VERSION = "kudo.dev/operator-version"
"""On pod templates: the version of the operator, so that an upgrade restarts the pods."""

DEPENDENCIES_HASH = "kudo.dev/dependencies-hash"
"""On pod templates: the hash of the Secrets and ConfigMaps that the pods use, so that a change restarts the pods."""

SKIP_HASH = "kudo.dev/skip-hash-calculation"
"""On a Secret or ConfigMap: exclude it from the hash. Set by package authors."""

PIPE_POD = "kudo.dev/pipepod"
"""On the pod of a Pipe task; the value is `true`."""

CREATE_ONCE = "kudo.dev/create-once"
"""`true`: the object is created once, and then no plan changes it. Set by package authors."""

RECREATE = "kudo.dev/recreate"
"""When a task deletes and recreates the object: Never, IfImmutable or Always. Set by package authors."""

READY = "kudo.dev/ready"
"""A Jinja2 expression that is true when the object is healthy. Set by package authors."""

FAILED = "kudo.dev/failed"
"""A Jinja2 expression that is true when the object will never be healthy. Set by package authors."""

LAST_APPLIED = "kudo.dev/last-applied-configuration"
"""The manifest that KUDO's manager applied last, as JSON: the base of its client-side three-way merge."""

LAST_COMPLETE = "kudo.dev/last-complete-spec"
"""Annotation of Instances: the version and parameters before the last change, if the last plan was COMPLETE, as JSON.

`kudo rollback` restores them.
"""

PENDING_PLAN = "kudo.dev/pending-plan"
"""On an Instance: the plan that has to run because the Instance changed.

Removed when that plan has started; on a child Instance, when that plan is COMPLETE.
"""
