"""The asv suite: thin adapters over mpbench's catalogue, one module for each family."""

try:
    from mpbench.integrations.asv import register as _register
except ImportError:
    # A commit from before the adapters: its benchmarks are n/a.
    pass
else:
    _register()
