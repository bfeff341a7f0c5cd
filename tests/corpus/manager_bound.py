"""Two workers that count in a manager's dictionary."""

import multiprocessing


def count(numbers, key, rounds):
    """Read and write one number of a dictionary."""
    for _ in range(rounds):
        numbers[key] = numbers.get(key, 0) + 1


if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        shared = manager.dict()
        workers = [
            multiprocessing.Process(target=count, args=(shared, key, 700)) for key in range(2)
        ]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
        print(sum(shared.values()))
