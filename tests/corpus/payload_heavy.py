"""Tasks that get 512 KiB and return it."""

import multiprocessing


def turned(block):
    """Return a block from its other end."""
    return block[::-1]


if __name__ == "__main__":
    blocks = [bytes([one]) * (512 << 10) for one in range(120)]
    with multiprocessing.Pool(2) as pool:
        print(sum(len(block) for block in pool.map(turned, blocks, 1)))
