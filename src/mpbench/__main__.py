"""`python -m mpbench` is the same as `mpbench`."""

from mpbench.cli import main

if __name__ == "__main__":
    main()
