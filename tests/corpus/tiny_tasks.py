"""Tasks that do nothing, each sent alone."""

import multiprocessing

if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.map(abs, range(-6_000, 0), 1)))
