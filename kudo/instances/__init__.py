"""Operators, OperatorVersions and Instances: read, check and change them, and load the plans that they run."""
