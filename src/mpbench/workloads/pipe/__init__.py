"""Workloads of pipes: latency, rate, payloads, topologies."""

__all__ = ()
