"""Operators, their versions and Instances: install, update, uninstall, and what a plan works on."""
