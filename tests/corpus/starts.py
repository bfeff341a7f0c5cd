"""Processes that are started one after the other, by the method of the argument."""

import multiprocessing
import sys


def started(method, number):
    """Start and join so many processes."""
    context = multiprocessing.get_context(method)
    for _ in range(number):
        process = context.Process(target=abs, args=(1,))
        process.start()
        process.join()


if __name__ == "__main__":
    started(sys.argv[1], int(sys.argv[2]))
    print("done")
