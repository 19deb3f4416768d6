"""KUDO operator packages as durable Temporal workflows."""
