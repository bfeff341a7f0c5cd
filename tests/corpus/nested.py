"""Two processes with a pool each."""

import multiprocessing


def work(count):
    """Return a sum of squares; about 1 ms for 20,000."""
    return sum(one * one for one in range(count))


def inner(answers):
    """Map over a pool of this process's own."""
    with multiprocessing.Pool(2) as pool:
        answers.put(sum(pool.map(work, [20_000] * 80)))


if __name__ == "__main__":
    found = multiprocessing.Queue()
    outer = [multiprocessing.Process(target=inner, args=(found,)) for _ in range(2)]
    for one in outer:
        one.start()
    print(sum(found.get() for _ in outer))
    for one in outer:
        one.join()
