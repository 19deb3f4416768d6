"""Benchmarks, each a command (`python -m benchmarks.NAME`); docs/benchmarks.md has the results."""
