"""Floors: the cheapest operations on the same kernel mechanisms."""

__all__ = ()
