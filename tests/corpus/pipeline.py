"""Three stages, one process each, joined by queues."""

import multiprocessing


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


def stage(count, source, sink):
    """Take, work, pass on, until nothing comes."""
    while (one := source.get()) is not None:
        work(count)
        sink.put(one + 1)
    sink.put(None)


if __name__ == "__main__":
    queues = [multiprocessing.Queue() for _ in range(4)]
    stages = [
        multiprocessing.Process(target=stage, args=(count, queues[at], queues[at + 1]))
        for at, count in enumerate((20_000, 50_000, 20_000))
    ]
    for one in stages:
        one.start()
    for number in (*range(60), None):
        queues[0].put(number)
    print(sum(iter(queues[-1].get, None)))
    for one in stages:
        one.join()
