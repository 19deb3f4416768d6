"""The search attributes by which runs of plans are found in Temporal."""

NAMESPACE = "KudoNamespace"
INSTANCE = "KudoInstance"
OPERATOR = "KudoOperator"
PLAN = "KudoPlan"
STATUS = "KudoStatus"

SEARCH_ATTRIBUTES = (NAMESPACE, INSTANCE, OPERATOR, PLAN, STATUS)
"""All of them; their type is Keyword."""
