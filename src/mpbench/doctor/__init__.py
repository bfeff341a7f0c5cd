"""Checks of a machine: limits, settings, current load, and small experiments."""

__all__ = ()
