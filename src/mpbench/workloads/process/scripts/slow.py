"""A script that keeps a CPU busy for as many milliseconds as its argument says."""

import sys
import time

__all__ = ()

_END = time.perf_counter() + int(sys.argv[1]) / 1_000
while time.perf_counter() < _END:
    pass
