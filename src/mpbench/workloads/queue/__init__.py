"""Workloads of queues: latency, throughput, single calls, shutdown."""

__all__ = ()
