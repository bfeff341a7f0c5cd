"""Workloads that put several families side by side."""

__all__ = ()
