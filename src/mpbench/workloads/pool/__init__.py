"""Workloads of pools and executors: calls, results, scaling, life cycle."""

__all__ = ()
