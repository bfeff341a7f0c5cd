"""Start processes until they are ready, as an ordinary program does; prints seconds for one."""

import multiprocessing
import os
import statistics
import sys
import time


def timed(method: str, count: int) -> float:
    """Return the median seconds from `start` until the child's message was read."""
    from mpbench.workloads.targets import stamp

    context = multiprocessing.get_context(method)
    reader, writer = os.pipe()
    path = f"/proc/{os.getpid()}/fd/{writer}"
    found = []
    for number in range(count + 2):
        child = context.Process(target=stamp, args=(path,))
        started = time.perf_counter()
        child.start()
        os.read(reader, 320)
        # The first two also start the resource tracker and the fork server.
        if number > 1:
            found.append(time.perf_counter() - started)
        child.join()
        child.close()
    return statistics.median(found)


if __name__ == "__main__":
    print(timed(sys.argv[1], int(sys.argv[2])))
