"""
Compare the accounted CPU time of process trees with what was really burnt.

    python tests/agreement/accounted_cpu.py [ROUNDS]

Jobs burn a known CPU time (by spinning on the process's own clock) in a number
of children under each start method. Beside what the supervisor accounts stand
what the kernel's control group counted, where this machine lets us make one
(the reference: it sees everything), `getrusage` of the program itself, the
sampler, and psrecord where it is installed. All as a share of the reference;
without a control group the reference is the supervisor's own sum of an equal
job that burns nothing, plus what was to be burnt.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from mpbench.profiling.run_program import run_program

JOB = """
import multiprocessing, resource, sys, time
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
if __name__ == "__main__":
    method, count, seconds, said = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    context = multiprocessing.get_context(method)
    for first in range(0, count, 8):
        group = [
            context.Process(target=burn, args=(seconds,)) for _ in range(min(8, count - first))
        ]
        for one in group:
            one.start()
        for one in group:
            one.join()
    used = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        used += usage.ru_utime + usage.ru_stime
    with open(said, "w") as file:
        file.write(str(used))
"""

JOBS = ((1, 1.0), (4, 0.25), (16, 0.05), (64, 0.005), (64, 0.02))
_GROUPS = Path("/sys/fs/cgroup/cpuacct")


@contextlib.contextmanager
def control_group():
    """Run what is started inside in a control group of its own; None where that is not allowed."""
    place = _GROUPS / f"mpbench-{os.getpid()}"
    try:
        place.mkdir()
        (place / "tasks").write_text(str(os.getpid()))
    except OSError:
        yield None
        return
    try:
        yield place
    finally:
        (_GROUPS / "tasks").write_text(str(os.getpid()))
        with contextlib.suppress(OSError):
            place.rmdir()


def usage(place):
    """Return the CPU seconds that a control group has counted."""
    return int((place / "cpuacct.usage").read_text()) / 1e9


def once(script, folder, job, place):
    """Run a job under the supervisor; return seconds by who counted them."""
    said = folder / "said"
    before, own = (usage(place), sum(os.times()[:2])) if place else (0.0, 0.0)
    ran = run_program([sys.executable, str(script), *map(str, job), str(said)], dict(os.environ))
    counted = {
        "supervisor": (ran.report["cpu_user_ns"] + ran.report["cpu_system_ns"]) / 1e9,
        "sampler": ran.seen.cpu_ns / 1e9,
        "getrusage": float(said.read_text()),
    }
    if place:
        # This process and its supervisor are in the group as well.
        supervisor = _SUPERVISOR_S
        counted["reference"] = usage(place) - before - (sum(os.times()[:2]) - own) - supervisor
    return counted


# What the supervisor's own interpreter costs, measured with a program that does nothing.
_SUPERVISOR_S = 0.0


def recorded(script, folder, job):
    """Return the CPU seconds that psrecord saw, or None where it is not installed."""
    tool = shutil.which("psrecord", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if tool is None:
        return None
    log = folder / "psrecord.log"
    words = " ".join([sys.executable, str(script), *map(str, job), str(folder / "said")])
    command = [tool, words, "--log", str(log), "--interval", "0.1", "--include-children"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    rows = [line.split() for line in log.read_text().splitlines() if not line.startswith("#")]
    points = [(float(row[0]), float(row[1])) for row in rows]
    return sum((b[0] - a[0]) * b[1] / 100 for a, b in pairwise(points))


def main():
    """Print one line for each job: seconds burnt, and shares of the reference."""
    global _SUPERVISOR_S  # noqa: PLW0603 - a script's one setting
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as name, control_group() as place:
        folder = Path(name)
        script, empty = folder / "job.py", folder / "empty.py"
        script.write_text(JOB)
        empty.write_text("import sys\nopen(sys.argv[-1], 'w').write('0')\n")
        if place:
            idle = [once(empty, folder, (), place) for _ in range(5)]
            _SUPERVISOR_S = statistics.median(one["reference"] - one["supervisor"] for one in idle)
        print("reference: " + ("control group" if place else "an idle job, and what was burnt"))
        print("method      children  each     burnt  supervisor  sampler  getrusage  psrecord")
        for method in ("fork", "spawn", "forkserver"):
            for count, seconds in JOBS:
                print(line(script, folder, (method, count, seconds), place, rounds), flush=True)


def line(script, folder, job, place, rounds):
    """Measure one job and return its line."""
    method, count, seconds = job
    found = [once(script, folder, job, place) for _ in range(rounds)]
    if not place:
        idle = [once(script, folder, (method, count, 0.0), None) for _ in range(rounds)]
        base = statistics.median(one["supervisor"] for one in idle) + count * seconds
        found = [{**one, "reference": base} for one in found]
    share = {
        who: statistics.median(one[who] / one["reference"] for one in found)
        for who in ("supervisor", "sampler", "getrusage")
    }
    seen = recorded(script, folder, job)
    reference = statistics.median(one["reference"] for one in found)
    psrecord = "   -" if seen is None else f"{seen / reference:8.1%}"
    return (
        f"{method:10} {count:9} {seconds * 1000:5.0f}ms {count * seconds:7.2f}s "
        f"{share['supervisor']:10.1%} {share['sampler']:8.1%} {share['getrusage']:10.1%} {psrecord}"
    )


if __name__ == "__main__":
    main()
