"""Workloads of Listener, Client, authentication and connection.wait."""

__all__ = ()
