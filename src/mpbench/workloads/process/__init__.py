"""Workloads of processes: start, join, termination, state."""

__all__ = ()
