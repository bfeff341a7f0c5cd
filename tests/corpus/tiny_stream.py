"""Tasks that do next to nothing, from an iterator."""

import multiprocessing

if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.imap(abs, range(-5_000, 0))))
