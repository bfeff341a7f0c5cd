"""Resource sampler: snapshots of a process tree, their cost, usage by case."""

__all__ = ()
