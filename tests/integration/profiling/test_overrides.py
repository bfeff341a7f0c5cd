"""Overrides from outside, in real programs that say what they saw."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mpbench.profiling.overrides import OverrideFile, install_hook

SHOW = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.pool import ThreadPool

def method(_):
    return multiprocessing.current_process()._start_method

def pid(_):
    return os.getpid()

if __name__ == "__main__":
    kind = sys.argv[1]
    if kind == "method":
        with multiprocessing.Pool(1) as pool:
            print(pool.map(method, [0])[0], multiprocessing.get_start_method())
    elif kind == "named":
        process = multiprocessing.get_context("fork").Process(target=abs, args=(1,))
        process.start(); process.join()
        print(process._start_method)
    elif kind == "set":
        multiprocessing.set_start_method("fork")
        process = multiprocessing.Process(target=abs, args=(1,))
        process.start(); process.join()
        print(multiprocessing.get_start_method())
    elif kind == "workers":
        with multiprocessing.Pool(processes=1) as pool, ThreadPool(1) as threads:
            with ProcessPoolExecutor(1) as executor:
                print(pool._processes, threads._processes, executor._max_workers)
    elif kind == "chunks":
        with multiprocessing.Pool(1, maxtasksperchild=1) as pool:
            print(len(set(pool.map(pid, range(8)))), len(set(pool.imap(pid, range(8), 4))))
    elif kind == "tasks":
        with multiprocessing.Pool(1) as pool:
            print(len(set(pool.map(pid, range(4), chunksize=1))))
    elif kind == "executor":
        with ProcessPoolExecutor(1) as executor:
            print(list(executor.map(abs, range(-3, 0), chunksize=1)))
"""


@pytest.fixture
def shown(tmp_path):
    """Return a function that runs the program with overrides: what it printed, what it noted."""
    script = tmp_path / "show.py"
    script.write_text(SHOW)
    place = install_hook(tmp_path, [sys.executable])

    def run(kind, before="", **given):
        (tmp_path / "file").unlink(missing_ok=True)
        file = OverrideFile(tmp_path / "file", {name.replace("_now", "!"): value
                                                for name, value in given.items()})  # fmt: skip
        variables = {**os.environ, "PYTHONPATH": before}
        done = subprocess.run(
            [sys.executable, str(script), kind],
            env={**variables, **file.variables(place, variables)},
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return done.stdout.strip(), file.letters()

    return run


@pytest.mark.parametrize("name", ["fork", "spawn", "forkserver"])
def test_the_default_start_method_is_replaced(shown, name):
    """Everything that asks for no method gets it, in the children as well."""
    printed, letters = shown("method", method=name)

    assert f"{name} {name}" == printed
    assert 1 <= letters["m"] <= letters["h"]
    assert not letters["x"]


@pytest.mark.parametrize("kind", ["named", "set"])
def test_a_method_that_is_asked_for_by_name_is_left_alone(shown, kind):
    """It is noted; with an exclamation mark it is replaced."""
    printed, letters = shown(kind, method="spawn")
    forced, others = shown(kind, method_now="spawn")

    assert ("fork", 0, 1) == (printed, letters["m"], letters["x"])
    assert ("spawn", 1, 0) == (forced, others["m"], others["x"])


def test_the_number_of_workers_is_replaced(shown):
    """In pools of processes and of threads, and in executors; given by name or by place."""
    printed, letters = shown("workers", workers="3")

    assert "3 3 3" == printed
    assert 1 == letters["p"]


def test_the_size_of_chunks_is_replaced(shown):
    """Each chunk has a worker of its own here, so that they can be counted."""
    assert "4 4" == shown("chunks", chunk_size="2")[0]
    assert "1 1" == shown("chunks", chunk_size="8")[0]
    printed, letters = shown("executor", chunk_size="2")
    assert ("[3, 2, 1]", 1) == (printed, letters["c"])


def test_the_tasks_of_a_worker_are_limited(shown):
    """A worker is replaced after so many chunks; none lets it live."""
    assert "2" == shown("tasks", max_tasks="2")[0]
    assert "1" == shown("tasks", max_tasks="none")[0]


def test_the_users_own_sitecustomize_still_runs(shown, tmp_path):
    """The hook's folder hides it from Python, so the hook runs it."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("print('mine')")

    assert shown("workers", before=str(folder), workers="2")[0].startswith("mine")


def test_the_hook_is_compiled_before_any_program_runs(shown, tmp_path):
    """Or each process would compile it where bytecode is not written."""
    del shown

    assert list((tmp_path / "hook").rglob("*.pyc"))
