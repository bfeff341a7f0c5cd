"""
Files of asv, pytest-benchmark and pyperf, made by released versions of these tools.

    python tests/agreement/tool_files.py tests/unit/exchange/made

Each version is installed in an environment of its own and runs the small suite below. Beside
the files stands `expected.json`: their values as the same version reads them back, which the
tests hold against what `mpbench import` reads. Names of the host and paths are replaced; values
are left as they are. Needs python3.8, python3.9 and python3.11 on the PATH and a package index.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ASV = {"0.4.2": "3.8", "0.5.1": "3.9", "0.6.4": "3.11"}
PYTEST = {"3.4.1": "3.8", "4.0.0": "3.9", "5.1.0": "3.11"}
PYPERF = {"1.7.0": "3.8", "2.6.3": "3.11", "2.9.0": "3.11"}

ASV_CONFIGURATION = {
    "version": 1,
    "project": "demo",
    "repo": ".",
    "branches": ["main"],
    "environment_type": "virtualenv",
    "build_command": [],
    "install_command": ["python -c pass"],
    "uninstall_command": ["python -c pass"],
}
ASV_SUITE = """
class Lists:
    params = [[10, 1_000], ["list", "tuple"]]
    param_names = ["n", "kind"]

    def setup(self, n, kind):
        if n == 10 and kind == "tuple":
            raise NotImplementedError

    def time_build(self, n, kind):
        list(range(n))

    def track_length(self, n, kind):
        return 2 * n
    track_length.unit = "items"


def time_sum():
    sum(range(100))


def time_fails():
    raise ValueError("as asked")


def track_rate():
    return 12.5
track_rate.unit = "op/s"


def mem_list():
    return [0] * 1_000


def peakmem_list():
    return [0] * 100_000
"""
ASV_READ = """
import json, sys
from pathlib import Path
found = {}
for path in sorted(Path(sys.argv[1]).glob("*/*.json")):
    if path.name == "machine.json":
        continue
    from asv.results import Results
    results, rows = Results.load(str(path)), {}
    for name in results.get_all_result_keys():
        if hasattr(results, "get_result_params"):
            params = results.get_result_params(name)
        samples = results.get_result_samples(name, params)
        values = results.get_result_value(name, params)
        rows[name] = [each or ([] if value is None or value != value else [value])
                      for value, each in zip(values, samples)]
    found[str(path.relative_to(sys.argv[1]))] = rows
print(json.dumps(found))
"""

PYTEST_SUITE = """
import pytest

@pytest.mark.parametrize("n", [10, 1_000])
def test_build(benchmark, n):
    benchmark.pedantic(lambda: list(range(n)), rounds=5, iterations=20)

@pytest.mark.benchmark(group="sums")
def test_sum(benchmark):
    benchmark.pedantic(sum, (range(100),), rounds=4, iterations=10)
"""
PYTEST_READ = """
import json, sys
from pathlib import Path
found = {}
for path in sorted(Path(sys.argv[1]).rglob("*.json")):
    rows = {}
    for one in json.loads(path.read_text())["benchmarks"]:
        stats = one["stats"]
        rows[one["fullname"]] = stats.get("data") or [stats["median"]]
    found[str(path.relative_to(sys.argv[1]))] = rows
print(json.dumps(found))
"""

PYPERF_SUITE = """
import time
import pyperf
runner = pyperf.Runner(processes=3, values=2)
runner.timeit("build", "list(range(100))", inner_loops=1)

def sum_it(loops):
    started = pyperf.perf_counter()
    for _ in range(loops):
        sum(range(100))
    return pyperf.perf_counter() - started

runner.bench_time_func("sum", sum_it)
"""
PYPERF_READ = """
import json, sys
from pathlib import Path
import pyperf
found = {}
for path in sorted(Path(sys.argv[1]).glob("*.json*")):
    suite = pyperf.BenchmarkSuite.load(str(path))
    every = suite.get_benchmarks()
    found[path.name] = {one.get_name() or "": list(one.get_values()) for one in every}
print(json.dumps(found))
"""


def run(*command: object, cwd: Path, ok: tuple[int, ...] = (0,)) -> str:
    """Run a command without the environment's own Python settings, and return its output."""
    done = subprocess.run([str(one) for one in command], cwd=cwd, capture_output=True, text=True,
                          check=False, env={**os.environ, "PYTHONPATH": ""})  # fmt: skip
    if done.returncode not in ok:
        raise SystemExit(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def environment(folder: Path, python: str, *packages: str) -> Path:
    """Return the interpreter of a new virtual environment with these packages."""
    if not (folder / "bin" / "python").exists():
        run(f"python{python}", "-m", "venv", folder, cwd=folder.parent)
        run(folder / "bin" / "python", "-m", "pip", "-q", "install", *packages, cwd=folder.parent)
    return folder / "bin" / "python"


def _repository(folder: Path, suite: str) -> None:
    (folder / "benchmarks").mkdir(parents=True)
    (folder / "benchmarks" / "__init__.py").write_text("")
    (folder / "benchmarks" / "lists.py").write_text(suite)
    (folder / "asv.conf.json").write_text(json.dumps(ASV_CONFIGURATION))
    (folder / "setup.py").write_text("from setuptools import setup\nsetup(name='demo')\n")
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org")
    run("git", "init", "-q", "-b", "main", cwd=folder)
    for number in (1, 2):
        (folder / "commit.txt").write_text(f"{number}\n")
        run("git", "add", "-A", cwd=folder)
        date = ("--date", f"2026-01-0{number}T00:00:00Z")
        run(*git, "commit", "-q", "-m", f"commit {number}", *date, cwd=folder)


def asv(python: Path, work: Path, out: Path, version: str) -> None:
    """Measure two commits, the first with samples."""
    _repository(work, ASV_SUITE)
    base = (python, "-m", "asv")
    facts = ("--os", "Linux", "--arch", "x86_64", "--cpu", "A CPU", "--ram", "16000000")
    run(*base, "machine", "--machine", "box", *facts, "--yes", cwd=work)
    rounds = "processes" if version.startswith("0.4") else "rounds"
    few = ("-a", "repeat=3", "-a", "sample_time=0.001", "-a", f"{rounds}=1", "--machine", "box")
    run(*base, "run", *few, "--record-samples", "HEAD~1^!", cwd=work, ok=(0, 2))
    run(*base, "run", *few, "HEAD^!", cwd=work, ok=(0, 2))
    results = work / "results"
    shutil.copytree(results, out, dirs_exist_ok=True)


def pytest(python: Path, work: Path, out: Path, _: str) -> None:
    """Write a file of `--benchmark-json`, and saves without and with data."""
    work.mkdir()
    (work / "test_demo.py").write_text(PYTEST_SUITE)
    base = (python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_demo.py")
    out.mkdir(parents=True)
    run(*base, f"--benchmark-json={out}/json.json", cwd=work)
    saves = f"--benchmark-storage=file://{out}/saves"
    run(*base, saves, "--benchmark-save=plain", cwd=work)
    run(*base, saves, "--benchmark-save=data", "--benchmark-save-data", cwd=work)


def pyperf(python: Path, work: Path, out: Path, _: str) -> None:
    """Write a suite of two benchmarks, one of `timeit`, and memory in a compressed file."""
    work.mkdir()
    out.mkdir(parents=True)
    (work / "bench.py").write_text(PYPERF_SUITE)
    run(python, "bench.py", "-q", "-o", out / "suite.json", cwd=work)
    timeit = (python, "-m", "pyperf", "timeit", "-q", "-p", "2", "-n", "2", "-w", "1")
    run(*timeit, "-o", out / "timeit.json", "sum(range(50))", cwd=work)
    memory = ("--tracemalloc", "-o", out / "memory.json.gz")
    run(*timeit, *memory, "[0] * 1000", cwd=work)


def scrubbed(folder: Path, places: dict[str, str]) -> None:
    """Replace names of this host and paths of this machine in every file."""
    import gzip

    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        packed = path.suffix == ".gz"
        text = (gzip.decompress(path.read_bytes()) if packed else path.read_bytes()).decode()
        for old, new in places.items():
            text = text.replace(old, new)
        path.write_bytes(gzip.compress(text.encode(), mtime=0) if packed else text.encode())


MAKERS = (
    ("asv", asv, ASV, ASV_READ, ("virtualenv<20.22",)),
    ("pytest-benchmark", pytest, PYTEST, PYTEST_READ, ("pytest<8.4",)),
    ("pyperf", pyperf, PYPERF, PYPERF_READ, ()),
)


def main() -> None:
    """Make every file anew."""
    out = Path(sys.argv[1]).resolve()
    base = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else Path(tempfile.mkdtemp())
    expected = {}
    for tool, make, versions, reader, others in MAKERS:
        for version, python in versions.items():
            name = f"{tool}-{version}"
            interpreter = environment(base / name, python, f"{tool}=={version}", *others)
            work = base / f"work-{name}"
            shutil.rmtree(work, ignore_errors=True)
            shutil.rmtree(out / name, ignore_errors=True)
            make(interpreter, work, out / name, version)
            real = os.path.realpath(interpreter)
            places = {
                str(work): "/work",
                str(interpreter): "/python",
                real: "/python",
                str((base / name).resolve()): "/base",
                str(base): "/base",
                platform.node(): "box",
                str(Path.home()): "/home",
            }
            scrubbed(out / name, places)
            expected[name] = json.loads(run(interpreter, "-c", reader, out / name, cwd=work))
            print(name, *expected[name], flush=True)
    (out / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
