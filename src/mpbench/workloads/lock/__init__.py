"""Workloads of locks and semaphores: uncontended, contended, handed over."""

__all__ = ()
