"""Workloads of Value, Array and shared_memory."""

__all__ = ()
