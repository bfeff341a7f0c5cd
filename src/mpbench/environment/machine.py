"""The environment record of a run, and the name of its machine."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mpbench.environment.cgroup import describe_cgroup
from mpbench.environment.files import SYSTEM, Files, fact
from mpbench.environment.host import (
    describe_kernel,
    describe_limits,
    describe_memory,
    describe_shared_memory,
    describe_virtualisation,
)
from mpbench.environment.installation import describe_packages, describe_source
from mpbench.environment.load import describe_load
from mpbench.environment.processors import describe_cpu
from mpbench.errors import EnvironmentUnfitError

__all__ = ("cache_folder", "describe", "machine_name")

# Long enough for any host name that people type, short enough for a folder.
_NAME_LIMIT = 40


def machine_name(variables: Mapping[str, str] | None = None, node: str | None = None) -> str:
    """
    Return a name for this machine that is safe in a folder's name.

    Args:
        variables: Where `MPBENCH_MACHINE`, the user's own choice, is looked up.
        node: The host's name; its domain is left out.
    """
    chosen = (os.environ if variables is None else variables).get("MPBENCH_MACHINE", "")
    name = chosen or (platform.node() if node is None else node).partition(".")[0]
    safe = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")[:_NAME_LIMIT].rstrip("-")
    return safe or "machine"


def cache_folder(name: str) -> Path:
    """
    Return where files that may be made again are kept, such as built commits.

    Raises:
        EnvironmentUnfitError: This user has no home.
    """
    home = fact(Path.home)
    cache = os.environ.get("XDG_CACHE_HOME") or (home and home / ".cache")
    if not cache:
        raise EnvironmentUnfitError(
            "this user has no home folder to keep files in; set XDG_CACHE_HOME to a folder"
        )
    return Path(cache) / "mpbench" / name


def _fingerprint(
    cpu: Mapping[str, Any], memory: Mapping[str, Any], kernel: Mapping[str, Any]
) -> str:
    """Return a short hash of what does not change while a machine stays the same."""
    stable = [
        cpu["model"],
        cpu["generation"],
        cpu["caches_bytes"],
        cpu["architecture"],
        cpu["logical"],
        cpu["physical"],
        cpu["sockets"],
        # Firmware and kernel keep a little for themselves, so count whole GiB.
        None if memory["total_bytes"] is None else round(memory["total_bytes"] / (1 << 30)),
        kernel["system"],
    ]
    return hashlib.sha256(json.dumps(stable).encode()).hexdigest()[:16]


def describe(files: Files = SYSTEM) -> dict[str, Any]:
    """
    Return the facts of this machine that a figure can depend on, as JSON-able values.

    None stands for what the platform does not tell. There are no names of
    users, and no paths but that of the shared-memory file system.

    Args:
        files: Where the kernel's files are read.
    """
    cpu, memory, kernel = describe_cpu(files), describe_memory(files), describe_kernel(files)
    return {
        "machine": machine_name(),
        "fingerprint": _fingerprint(cpu, memory, kernel),
        "cpu": cpu,
        "memory": memory,
        "kernel": kernel,
        "shared_memory": describe_shared_memory(files),
        "cgroup": describe_cgroup(files),
        "limits": describe_limits(),
        "virtualisation": describe_virtualisation(files),
        "load": describe_load(files),
        "packages": describe_packages(),
        "source": describe_source(),
    }
