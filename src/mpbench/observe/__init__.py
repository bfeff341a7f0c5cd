"""Watching processes: what they use, what they wait for, and whether a machine is fit for it."""

__all__ = ()
