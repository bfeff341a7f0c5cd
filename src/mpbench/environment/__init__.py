"""Facts about the machine, its interpreters and their load."""

from mpbench.environment.cgroup import describe_cgroup, quota
from mpbench.environment.files import SYSTEM, Files, fact
from mpbench.environment.interpreter import describe_interpreter
from mpbench.environment.load import describe_load, pressure, processor_seconds
from mpbench.environment.machine import cache_folder, describe, machine_name
from mpbench.environment.processors import affinity, usable_cpus

__all__ = (
    "SYSTEM",
    "Files",
    "affinity",
    "cache_folder",
    "describe",
    "describe_cgroup",
    "describe_interpreter",
    "describe_load",
    "fact",
    "machine_name",
    "pressure",
    "processor_seconds",
    "quota",
    "usable_cpus",
)
