"""Measurements, each a command; docs/benchmarks.md has what they said."""
