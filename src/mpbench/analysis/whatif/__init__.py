"""Predicted effect of changes to a profiled program: a replay of its recorded events."""
