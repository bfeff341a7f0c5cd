"""One producer and two consumers with a queue between them."""

import multiprocessing


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


def consume(source, answers):
    """Work on what comes."""
    total = 0
    while (count := source.get()) is not None:
        total += work(count)
    answers.put(total)


if __name__ == "__main__":
    tasks, found = multiprocessing.Queue(), multiprocessing.Queue()
    consumers = [multiprocessing.Process(target=consume, args=(tasks, found)) for _ in range(2)]
    for one in consumers:
        one.start()
    for _ in range(150):
        tasks.put(25_000)
    for _ in consumers:
        tasks.put(None)
    print(sum(found.get() for _ in consumers))
    for one in consumers:
        one.join()
