"""Files for other tools are read by those tools, and theirs come back as they were."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import fakes
import pytest

from mpbench.errors import RecordError, UsageError
from mpbench.integrations.exchange.asv_files import write_asv
from mpbench.integrations.exchange.asv_reader import read_asv
from mpbench.integrations.exchange.medians import readings_of
from mpbench.integrations.exchange.pyperf_file import pyperf_json
from mpbench.integrations.exchange.pytest_file import pytest_json, read_pytest_json
from mpbench.model import Case, Run
from mpbench.store import read
from mpbench.store.writer import Writer

Call = Callable[..., subprocess.CompletedProcess[str]]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def values_of(run: Run) -> dict[Case, list[float]]:
    """Return the value of each agent by case, to the precision that files promise."""
    return {
        one.record.case: [float(f"{value:.6g}") for value in one.seconds]
        for one in readings_of([run])
    }


def stored(run: Run, folder: Path) -> None:
    """Write a run's result file."""
    with Writer(folder) as writer:
        writer.write_run(run)


def slow_and_fast(folder: Path, write: Callable[[Run], str]) -> tuple[str, str]:
    """Write two runs, the second three times slower, and return the files."""
    names = []
    for name, slower in (("a.json", 1.0), ("b.json", 3.0)):
        (folder / name).write_text(write(fakes.run(seed=1, slower=slower)))
        names.append(name)
    return names[0], names[1]


def measured_by_pytest(folder: Path, python: Call) -> subprocess.CompletedProcess[str]:
    """Have pytest-benchmark measure a test in its own process, and write `out.json`."""
    (folder / "test_it.py").write_text(
        "def test_plain(benchmark):\n    benchmark.pedantic(sum, args=(range(100),), rounds=30)\n"
    )
    options = ("-q", "-p", "no:cacheprovider", "--benchmark-json=out.json")
    # Under xdist it would take itself for a worker, which measures nothing.
    return python("pytest", *options, "test_it.py", PYTEST_XDIST_WORKER="")


def test_pyperf_compares(tmp_path: Path, python: Call) -> None:
    """`pyperf compare_to` reads the files and finds the difference that is in them."""
    files = slow_and_fast(tmp_path, lambda run: pyperf_json([run]))

    done = python("pyperf", "compare_to", *files, "--table")

    assert 0 == done.returncode, done.stderr
    assert "3.00x slower" in done.stdout


def test_pyperf_counts_processes(tmp_path: Path, python: Call) -> None:
    """`pyperf stats` sees one value for each agent, each from a process of its own."""
    (tmp_path / "a.json").write_text(pyperf_json([fakes.run(agents=8)]))

    done = python("pyperf", "stats", "a.json")

    assert "Number of run with values: 8\n" in done.stdout, done.stderr
    assert "Number of value per run: 1\n" in done.stdout


def test_pytest_benchmark_compares(tmp_path: Path, python: Call) -> None:
    """`pytest-benchmark compare` reads the files and shows each case of both."""
    files = slow_and_fast(tmp_path, lambda run: pytest_json([run]))

    done = python("pytest_benchmark", "compare", *files, "--columns=median,rounds")

    assert 0 == done.returncode, done.stderr
    assert 2 == done.stdout.count("pipe/round-trip[fork, payload_bytes=65536")
    assert "(3.00)" in done.stdout


@pytest.mark.slow
def test_asv_compares_and_publishes(tmp_path: Path, repository: list[str], python: Call) -> None:
    """`asv compare` shows the difference of two commits, and `asv publish` draws them all."""
    results = tmp_path / ".asv" / "results"
    for commit, slower in zip(repository, (1.0, 1.0, 3.0), strict=True):
        write_asv([fakes.run("box", slower=slower)], results, commit=commit)

    compared = python("asv", "compare", repository[0], repository[2])
    published = python("asv", "publish", "--no-pull")

    assert 0 == compared.returncode, compared.stderr + compared.stdout
    lines = [line for line in compared.stdout.splitlines() if "pipe.round_trip" in line]
    assert lines
    assert {("+", "3")} == {
        (line.split("|")[1].strip(), line.split("|")[4].strip()) for line in lines
    }
    assert 0 == published.returncode, published.stderr + published.stdout
    index = json.loads((tmp_path / ".asv" / "html" / "index.json").read_text())
    assert "method" == index["benchmarks"]["process.start_to_join"]["param_names"][0]
    assert 3 == len(index["revision_to_hash"])


def test_pytest_benchmark_comes_back(tmp_path: Path) -> None:
    """What was written for pytest-benchmark is read as the same cases with the same values."""
    run = fakes.run()
    (tmp_path / "a.json").write_text(pytest_json([run]))

    assert values_of(run) == values_of(read_pytest_json(tmp_path / "a.json"))


def test_asv_comes_back(tmp_path: Path) -> None:
    """What was written for asv is read as the same cases with the same values and commit."""
    run = fakes.run()
    write_asv([run], tmp_path, commit=COMMIT)

    (found,) = read_asv(tmp_path)

    assert values_of(run) == values_of(found)
    assert COMMIT == found.header.plan["commit"]
    assert {one.revision for one in run.cases} == {one.revision for one in found.cases}


def test_asv_keeps_what_others_wrote(tmp_path: Path) -> None:
    """Results, definitions and machines that are there already stay."""
    write_asv([fakes.run("box")], tmp_path, commit=COMMIT)
    known = json.loads((tmp_path / "benchmarks.json").read_text())
    (tmp_path / "benchmarks.json").write_text(json.dumps(known | {"other.time_it": {"name": "x"}}))
    (tmp_path / "box" / "machine.json").write_text('{"machine": "box", "sched": "x"}')
    run = fakes.run("box")
    less = run._replace(cases=tuple(one for one in run.cases if one.case.family == "pipe"))

    write_asv([less], tmp_path, commit=COMMIT)

    assert "other.time_it" in json.loads((tmp_path / "benchmarks.json").read_text())
    assert "sched" in json.loads((tmp_path / "box" / "machine.json").read_text())
    assert {"pipe", "process"} < {one.case.family for one in read_asv(tmp_path)[0].cases}


def test_stale_rows_are_left_out(tmp_path: Path) -> None:
    """A row of an older version of a benchmark is not read, as `asv publish` does not."""
    write_asv([fakes.run()], tmp_path, commit=COMMIT)
    path = tmp_path / "benchmarks.json"
    path.write_text(path.read_text().replace("pipe/round-trip:1", "pipe/round-trip:2"))

    (found,) = read_asv(tmp_path)

    assert "pipe/round-trip" not in {one.case.workload for one in found.cases}


def test_rounds_of_a_plain_test_are_one_process(tmp_path: Path, python: Call) -> None:
    """What pytest-benchmark measured in its own process is one repetition with every round."""
    made = measured_by_pytest(tmp_path, python)

    done = python("mpbench", "import", "out.json", "-o", "out")

    assert 0 == made.returncode, made.stdout
    assert 0 == done.returncode, done.stderr
    (one,) = read(tmp_path / done.stdout.strip()).repetitions
    assert 30 == len(one.samples)


def test_a_report_of_imported_rounds_claims_nothing(tmp_path: Path, python: Call) -> None:
    """The page of an import says that no interval is known, and of which tool it is."""
    measured_by_pytest(tmp_path, python)
    (made,) = python("mpbench", "import", "out.json", "-o", "out").stdout.splitlines()

    done = python("mpbench", "report", made, "-o", "page")

    assert 0 == done.returncode, done.stderr
    page = (tmp_path / "page" / "report.md").read_text()
    assert "Agents of imported cases" in page
    assert "each in a fresh interpreter" not in page


@pytest.mark.slow
def test_samples_of_plain_asv_are_one_process(
    tmp_path: Path, repository: list[str], python: Call
) -> None:
    """What asv's own timer measured is one repetition with all samples."""
    (tmp_path / "benchmarks" / "plain.py").write_text("def time_it():\n    sum(range(100))\n")
    done = python(
        *("asv", "run", "-E", f"existing:{sys.executable}", "--set-commit-hash", repository[2]),
        *("--record-samples", "--machine", "box", "-a", "repeat=4", "-a", "rounds=2"),
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    (run,) = read_asv(tmp_path / ".asv" / "results")
    assert [8] == [len(one.samples) for one in run.repetitions]


def test_the_same_case_twice_is_refused() -> None:
    """A file of another tool has each name once, so two runs of one case need two files."""
    with pytest.raises(UsageError, match="two of these results"):
        pyperf_json([fakes.run("a"), fakes.run("b")])


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"machine_info": {}, "benchmarks": [{"name": "x"}]}', "\x00"]
)
def test_wrong_json_is_refused_in_one_line(tmp_path: Path, python: Call, text: str) -> None:
    """A file that pytest-benchmark did not write ends with one line and exit code 2."""
    (tmp_path / "a.json").write_text(text)

    done = python("mpbench", "import", "a.json", "-o", "out")

    assert 2 == done.returncode, done.stderr
    assert 1 == len(done.stderr.splitlines())
    assert "pytest-benchmark" in done.stderr


def test_a_missing_source_is_said_plainly(tmp_path: Path, python: Call) -> None:
    """The system's words, and no class of an exception."""
    done = python("mpbench", "import", str(tmp_path / "nosuch"))

    assert 2 == done.returncode
    assert "found No such file or directory" in done.stderr
    assert "Error" not in done.stderr


@pytest.mark.parametrize("text", [None, "{", "{}", "[1]"])
def test_wrong_asv_folder_is_refused_in_one_line(
    tmp_path: Path, python: Call, text: str | None
) -> None:
    """A folder that asv did not write ends with one line and exit code 2."""
    (tmp_path / "results" / "box").mkdir(parents=True)
    (tmp_path / "results" / "box" / "a.json").write_text("{}")
    if text is not None:
        (tmp_path / "results" / "benchmarks.json").write_text(text)

    done = python("mpbench", "import", "results", "-o", "out")

    assert 2 == done.returncode, done.stderr
    assert 1 == len(done.stderr.splitlines())


def test_import_stays_in_its_folder(tmp_path: Path, python: Call) -> None:
    """A machine's name that leads elsewhere names a folder inside the output all the same."""
    run = fakes.run(machine="../../outside")
    (tmp_path / "a.json").write_text(pytest_json([run]))

    done = python("mpbench", "import", "a.json", "-o", "deep/er/out")

    assert 0 == done.returncode, done.stderr
    (made,) = [Path(line) for line in done.stdout.splitlines()]
    inside = (tmp_path / "deep" / "er" / "out").resolve()
    assert (tmp_path / made).resolve().is_relative_to(inside)
    assert values_of(run) == values_of(read(tmp_path / made))


@pytest.mark.parametrize("form", ["pyperf", "pytest-benchmark", "asv", "csv", "parquet"])
def test_every_format_from_the_command_line(tmp_path: Path, python: Call, form: str) -> None:
    """`mpbench export` writes each format from a result file."""
    if form == "parquet":
        pytest.importorskip("pyarrow")
    stored(fakes.run(), tmp_path / "run")

    done = python("mpbench", "export", "run", "--format", form, "-o", "out", "--commit", COMMIT)

    assert 0 == done.returncode, done.stderr
    assert all((tmp_path / line).is_file() for line in done.stdout.splitlines())


@pytest.mark.parametrize("form", ["pyperf", "pytest-benchmark", "asv"])
def test_what_a_run_does_not_know_of_its_machine(tmp_path: Path, python: Call, form: str) -> None:
    """An installed mpbench knows no commit of its own, and a machine may hide the rest."""
    unknown = dict.fromkeys(("source", "cpu", "memory", "kernel"))
    header = fakes.header(environment=fakes.environment(**unknown))
    stored(fakes.run()._replace(header=header), tmp_path / "run")

    done = python("mpbench", "export", "run", "--format", form, "-o", "out", "--commit", COMMIT)

    assert 0 == done.returncode, done.stderr


def test_a_commit_may_have_a_short_name(
    tmp_path: Path, repository: list[str], call: Call, python: Call
) -> None:
    """What git knows as a commit has its full hash and its own date; the rest is refused."""
    stored(fakes.run(), tmp_path / "run")
    command = ("mpbench", "export", "run", "--format", "asv", "-o", "out", "--commit")

    done, wrong = python(*command, "HEAD~1"), python(*command, "HEAD~9")

    assert 0 == done.returncode, done.stderr
    (found,) = read_asv(tmp_path / "out")
    assert repository[1] == found.header.plan["commit"]
    (date,) = call("git", "show", "-s", "--format=%at", "HEAD~1").stdout.split()
    assert int(date) == datetime.fromisoformat(found.header.started_utc).timestamp()
    assert 2 == wrong.returncode
    assert "HEAD~9" in wrong.stderr


def test_wrong_file_of_asv_is_not_overwritten(tmp_path: Path) -> None:
    """A directory with something else in the place of asv's files is refused."""
    (tmp_path / "benchmarks.json").write_text("no json")

    with pytest.raises(RecordError, match="a JSON file of asv"):
        write_asv([fakes.run()], tmp_path, commit=COMMIT)

    assert "no json" == (tmp_path / "benchmarks.json").read_text()


def test_a_report_of_asv_results(tmp_path: Path, python: Call) -> None:
    """`mpbench report --asv` writes a page with the history and the latest commit's tables."""
    for number in (1, 2, 3):
        header = fakes.header("box", started_utc=f"2026-01-0{number}T00:00:00+00:00")
        run = fakes.run("box", seed=number)._replace(header=header)
        write_asv([run], tmp_path / "results", commit=f"{number}" * 40)

    done = python("mpbench", "report", "--asv", "results", "-o", "out")

    assert 0 == done.returncode, done.stderr
    page = (tmp_path / "out" / "report.html").read_text()
    assert 'id="family-history"' in page
    assert "3333333333" in page


def test_a_report_needs_something(python: Call) -> None:
    """Neither files nor a directory of asv is an error of usage, in one line."""
    done = python("mpbench", "report")

    assert 2 == done.returncode
    assert 1 == len(done.stderr.splitlines())


def test_commits_of_one_second_keep_the_repository_order(
    tmp_path: Path, repository: list[str]
) -> None:
    """Whole seconds are all that asv keeps; the repository tells such commits apart."""
    results = tmp_path / ".asv" / "results"
    for commit in reversed(repository):
        write_asv([fakes.run("box")], results, commit=commit, date_ms=1_700_000_000_000)

    runs = sorted(read_asv(results), key=lambda run: run.header.started_utc)

    assert repository == [run.header.plan["commit"] for run in runs]
    assert {"2023-11-14T22:13:20"} == {run.header.started_utc[:19] for run in runs}
