"""Start processes until they are ready, as an ordinary program does; prints seconds for one."""

# As in the script that the agent runs as `main=plain`: a child runs this file again.
import os
import sys


def timed(method: str, count: int) -> float:
    """Return the median seconds from `start` until the child's message was read."""
    import multiprocessing
    import statistics
    import time

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
