"""Tasks that copy 24 MiB, several times each."""

import multiprocessing


def copy(number):
    """Return the size of copies that no cache holds."""
    block = bytes(24 << 20)
    return number + sum(len(bytearray(block)) for _ in range(4))


if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.map(copy, range(8), 1)))
