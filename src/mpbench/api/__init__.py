"""Python API: results, comparisons and profiles as objects with DataFrames; see docs/API.md."""

from mpbench.api.comparison import Comparison, compare
from mpbench.api.profiled import Profile, profile
from mpbench.api.results import Results, read
from mpbench.api.running import run
from mpbench.api.subjects import code, program

__all__ = (
    "Comparison",
    "Profile",
    "Results",
    "code",
    "compare",
    "profile",
    "program",
    "read",
    "run",
)
