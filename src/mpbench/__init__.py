"""mpbench measures what Python's multiprocessing costs; see README.md."""

__all__ = ("__version__",)

# Nothing else may be imported here: a spawned child imports this module, and
# whatever it costs would be counted as the price of starting a process.
__version__ = "0.1.0"
