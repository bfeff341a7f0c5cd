"""Tasks that do nothing, in an executor, each sent alone."""

from concurrent.futures import ProcessPoolExecutor

if __name__ == "__main__":
    with ProcessPoolExecutor(2) as executor:
        print(sum(executor.map(abs, range(-1_500, 0))))
