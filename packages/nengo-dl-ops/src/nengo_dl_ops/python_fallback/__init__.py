"""Operators that run in Python, called from the step."""
