"""Same jobs for every kind of worker: processes, threads, interpreters."""

__all__ = ()
