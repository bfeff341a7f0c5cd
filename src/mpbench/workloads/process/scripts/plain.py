"""The smallest ordinary script: a function, a guard, and two imports that every program has."""

import os
import sys

__all__ = ("main",)


def main() -> int:
    """Stand where a program's own work would be."""
    return len(sys.argv) + os.getpid()


if __name__ == "__main__":
    main()
