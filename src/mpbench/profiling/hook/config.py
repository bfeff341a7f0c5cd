"""Recorder configuration from environment variables."""

from __future__ import annotations

import os

__all__ = ("CONFIG", "read_config")

# What `install` was told; a program may empty its environment later.
CONFIG: list[tuple[str, int]] = []


def read_config() -> tuple[str, int]:
    """Return the folder and the number of events to keep."""
    return (
        os.environ["MPBENCH_PROFILE_DIR"],
        int(os.environ.get("MPBENCH_PROFILE_EVENTS", "") or 1 << 18),
    )
