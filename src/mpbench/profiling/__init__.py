"""Profiler of a user's own program: events, losses, timeline, page."""

__all__ = ()
