"""The search attributes of plan runs in Temporal."""

NAMESPACE = "KudoNamespace"
INSTANCE = "KudoInstance"
OPERATOR = "KudoOperator"
PLAN = "KudoPlan"
STATUS = "KudoStatus"

SEARCH_ATTRIBUTES = (NAMESPACE, INSTANCE, OPERATOR, PLAN, STATUS)
"""All search attributes; their type is Keyword."""
