"""Workloads of managers and their proxies."""

__all__ = ()
