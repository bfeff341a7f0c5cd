"""Two workers that do most of their work under one lock."""

import multiprocessing


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


def guarded(lock, rounds):
    """Work with the lock and a little without."""
    for _ in range(rounds):
        with lock:
            work(30_000)
        work(5_000)


if __name__ == "__main__":
    shared = multiprocessing.Lock()
    workers = [multiprocessing.Process(target=guarded, args=(shared, 60)) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    print("done")
