"""Copy of mpbench's measuring part that lies beside an asv suite."""

from __future__ import annotations

from pathlib import Path

import mpbench
from mpbench.harness.agent_package import AGENT_MODULES

__all__ = ("VENDOR_FOLDER", "vendored_files")

VENDOR_FOLDER = "_mpbench"

# Standard library and Python 3.9 syntax only, so that every environment of asv imports it; a
# test runs it in one that has nothing else. The catalogue's workloads are left out.
_MODULES = (
    *(name for name in AGENT_MODULES if name != "workloads"),
    "workloads/__init__.py",
    "harness",
    "plan.py",
    "printable.py",
    "session/__init__.py",
    "session/interrupt.py",
    "session/machine_lock.py",
    "integrations/__init__.py",
    "integrations/asv.py",
    "integrations/asv_batch.py",
    "integrations/fresh_agents.py",
    "integrations/user_call.py",
)


def vendored_files() -> dict[Path, str]:
    """Return the text of each file by its path below the folder of the benchmarks."""
    root = Path(mpbench.__file__).parent
    paths = [
        path
        for name in _MODULES
        for path in (
            sorted((root / name).rglob("*.py")) if (root / name).is_dir() else [root / name]
        )
    ]
    folder = Path(VENDOR_FOLDER) / "mpbench"
    return {folder / path.relative_to(root): path.read_text(encoding="utf-8") for path in paths}
