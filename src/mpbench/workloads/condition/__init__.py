"""Workloads of Condition, Event and Barrier."""

__all__ = ()
