"""Workloads of other pool libraries: loky, joblib, mpire, billiard."""

__all__ = ()
