"""mpbench measures what Python's multiprocessing costs; see README.md and docs/API.md."""

__all__ = (
    "Comparison",
    "Profile",
    "Results",
    "__version__",
    "code",
    "compare",
    "profile",
    "program",
    "read",
    "run",
)

# Nothing else may be imported here: a spawned child imports this module, and
# whatever it costs would be counted as the price of starting a process.
__version__ = "0.1.0"

# A type checker takes this name for true; `typing` itself would be imported.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from mpbench.api import (
        Comparison,
        Profile,
        Results,
        code,
        compare,
        profile,
        program,
        read,
        run,
    )


def __getattr__(name: str) -> object:
    """Import the Python API when one of its names is used."""
    if name.startswith("_") or name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import mpbench.api  # noqa: PLC0415 - see above

    return getattr(mpbench.api, name)


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted(__all__)
