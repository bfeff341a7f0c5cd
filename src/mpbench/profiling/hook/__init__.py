"""
Code injected into a profiled program: standard library only, Python 3.9 and newer.

`mpbench profile` copies this folder to a private place, beside a
`sitecustomize` that calls `install`. Nothing of multiprocessing is imported
before the program does it itself; its classes are wrapped right after that.
"""

__all__ = ()
