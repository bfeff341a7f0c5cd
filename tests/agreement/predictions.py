"""Predictions for the programs of tests/corpus, each beside what a comparison then measures."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mpbench import environment
from mpbench.analysis.verdict import DecisionRules
from mpbench.analysis.whatif.prediction import Change, Prediction, WhatIf
from mpbench.errors import InvalidSessionError, MpbenchError
from mpbench.plan import Plan
from mpbench.session.comparing.compare import ComparePlan, compare
from mpbench.session.comparing.program_specs import ProgramOptions
from mpbench.session.progress import NullProgress
from mpbench.session.tuning.candidates import Candidate, present_s
from mpbench.session.tuning.program_tuner import ProgramTuner, arms_of
from mpbench.session.tuning.record import TunePlan
from mpbench.session.tuning.tune import measured_settings
from mpbench.units import format_seconds

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
# A change counts as one from here on; a prediction is near within so much of the measured ratio.
CHANGE, NEAR = 0.10, 0.15
# Of each kind of setting at most so many, those in the middle of the list left out.
MOST_OF_A_KIND = 2
# One look: what is wanted is a ratio, and not a verdict as soon as possible.
_LOOKS = (8,)
_SECONDS_EACH = 60.0
# Of a program: its profile, what operations cost, two runs of each arm.
_BEFORE_S = 12.0
# What else the machine did while a program was profiled may be why nothing is predicted.
_TRIES = 2
_ARGUMENTS = {"starts": (("fork", "60"), ("spawn", "6"), ("forkserver", "12"))}
_NEEDS = {"joblib_loky": "joblib"}
_MARKS = ("<!-- predictions -->", "<!-- end of predictions -->")


class Program(NamedTuple):
    """One program of the corpus with its arguments."""

    name: str
    words: tuple[str, ...]


def programs(folder: Path = CORPUS) -> tuple[Program, ...]:
    """Return the programs that can run here."""
    found: list[Program] = []
    for path in sorted(folder.glob("*.py")):
        need = _NEEDS.get(path.stem)
        if need is not None and importlib.util.find_spec(need) is None:
            continue
        found += [
            Program(" ".join((path.stem, *given)), (path.name, *given))
            for given in _ARGUMENTS.get(path.stem, ((),))
        ]
    return tuple(found)


def chosen(what_if: WhatIf) -> tuple[Prediction, ...]:
    """
    Return the predictions to check, whatever they say: the outermost values of each kind.

    Args:
        what_if: The predictions of a program.
    """
    by_kind: dict[Change, list[Prediction]] = {}
    for one in what_if.predictions:
        if one.is_provable and one.seconds is not None:
            by_kind.setdefault(one.change, []).append(one)
    return tuple(
        one
        for kind in by_kind.values()
        for one in (kind if len(kind) <= MOST_OF_A_KIND else (kind[0], kind[-1]))
    )


def _predicted(tuner: ProgramTuner) -> tuple[WhatIf, int]:
    """Return the predictions of the first profile that has any, and how many profiles it took."""
    what_if, tries = tuner.profile().what_if, 1
    while what_if.withheld is not None and tries < _TRIES:
        what_if, tries = tuner.profile().what_if, tries + 1
    return what_if, tries


def _record(one: Prediction) -> dict[str, Any]:
    return {
        "setting": one.setting,
        "predicted_s": one.seconds,
        "low_s": one.low_s,
        "high_s": one.high_s,
        "withheld": one.withheld,
    }


def _candidate(one: Prediction) -> Candidate:
    return Candidate(settings=(str(one.setting),), words=one.words, places=(one.place,))


def _compared(
    plan: TunePlan, tuner: ProgramTuner, predictions: Sequence[Prediction], folder: Path
) -> list[dict[str, Any]]:
    """Measure a program with each setting; return one record for each prediction."""
    candidates = [_candidate(one) for one in predictions]
    outcome = compare(
        ComparePlan(
            plan=Plan(budget_s=plan.budget_s, seed=plan.seed or 0),
            arms=arms_of(plan.text, None, candidates),
            rules=DecisionRules(looks=_LOOKS),
            control=False,
            own_looks=True,
            programs=ProgramOptions(warmups=0),
        ),
        folder=folder,
        progress=NullProgress(),
    ).outcome
    if outcome.interrupted:
        raise KeyboardInterrupt
    return [
        {
            **_record(one),
            "baseline_s": found.baseline_s,
            "measured_s": found.seconds,
            "ratio_low": None if found.ratio is None else found.ratio.low,
            "ratio_high": None if found.ratio is None else found.ratio.high,
            "episodes": found.episodes,
            "reason": found.reason or None,
        }
        for one, found in zip(
            predictions, measured_settings(candidates, outcome, tuner), strict=True
        )
    ]


def measure(program: Program, seed: int, budget_s: float) -> dict[str, Any]:
    """
    Profile a program, predict, and compare it with each setting that was predicted.

    Args:
        program: One of the corpus; this process works in its folder.
        seed: Of the coins.
        budget_s: What the comparison may take.

    Returns:
        The line of the results file.
    """
    began = time.monotonic()
    plan = TunePlan(words=program.words, timeout_s=60.0, seed=seed, budget_s=budget_s)
    rows: list[dict[str, Any]] = []
    problem = None
    with tempfile.TemporaryDirectory() as folder:
        tuner = ProgramTuner(plan, Path(folder), NullProgress())
        what_if, tries = _predicted(tuner)
        predictions = chosen(what_if)
        try:
            rows = _compared(plan, tuner, predictions, Path(folder) / "out") if predictions else []
        except InvalidSessionError as error:
            problem, rows = str(error), [_record(one) for one in predictions]
    return {
        "program": program.name,
        "profiled_s": what_if.measured_s,
        "present_s": present_s(what_if),
        "simulated_s": what_if.simulated_s,
        "withheld": what_if.withheld,
        "tries": tries,
        "problem": problem,
        "not_predicted": [
            _record(one) for one in what_if.predictions if one.setting and one.withheld
        ],
        "rows": rows,
        "seconds": time.monotonic() - began,
    }


def read(path: Path) -> list[dict[str, Any]]:
    """Return the complete lines of a results file."""
    if not path.is_file():
        return []
    lines = path.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def measure_all(path: Path, names: Sequence[str], *, seed: int, minutes: float) -> None:
    """
    Measure what the results file still lacks.

    Args:
        path: One line for each program.
        names: Only these programs; all where it is empty.
        seed: Of the coins.
        minutes: What all of it may take; each program gets its part of what is left.
    """
    deadline = time.monotonic() + minutes * 60
    done = read(path)
    path.write_text("".join(json.dumps(one) + "\n" for one in done))
    known = {one["program"] for one in done}
    todo = [
        one
        for one in programs()
        if one.name not in known and (not names or one.name.partition(" ")[0] in names)
    ]
    os.chdir(CORPUS)
    for number, program in enumerate(todo, start=1):
        part_s = (deadline - time.monotonic()) / (len(todo) - number + 1) - _BEFORE_S
        budget_s = max(5.0, min(_SECONDS_EACH, part_s))
        print(f"{number} of {len(todo)}: {program.name}, {budget_s:.0f} s", file=sys.stderr)
        try:
            line = measure(program, seed + number, budget_s)
        except MpbenchError as error:
            line = {"program": program.name, "withheld": str(error), "not_predicted": [],
                    "rows": [], "present_s": None}  # fmt: skip
        with path.open("a") as file:
            file.write(json.dumps(line) + "\n")


class Judged(NamedTuple):
    """One prediction beside its measurement, both as factors of the program as it is."""

    program: str
    setting: str
    predicted: float
    low: float
    high: float
    measured: float
    measured_low: float | None
    measured_high: float | None
    baseline_s: float
    episodes: int

    @property
    def is_change(self) -> bool:
        """Whether the measured change is beyond 10 %."""
        return abs(self.measured - 1) > CHANGE

    @property
    def is_right(self) -> bool:
        """Whether it is predicted in the measured direction."""
        return (self.predicted - 1) * (self.measured - 1) > 0

    @property
    def is_near(self) -> bool:
        """Whether the predicted factor is within 15 % of the measured one."""
        return abs(self.predicted / self.measured - 1) <= NEAR

    @property
    def covers(self) -> bool:
        """Whether the predicted interval and that of the measurement have a common value."""
        low, high = self.measured_low or self.measured, self.measured_high or self.measured
        return self.low <= high and low <= self.high


def judged(lines: Iterable[dict[str, Any]]) -> Iterator[Judged]:
    """Yield what was predicted and measured."""
    for line in lines:
        present = line["present_s"]
        for row in line["rows"]:
            if row.get("measured_s") is not None and row["baseline_s"]:
                yield Judged(
                    line["program"],
                    row["setting"],
                    *(row[key] / present for key in ("predicted_s", "low_s", "high_s")),
                    row["measured_s"] / row["baseline_s"],
                    row["ratio_low"],
                    row["ratio_high"],
                    row["baseline_s"],
                    row["episodes"],
                )


def _share(found: Sequence[bool]) -> str:
    return f"{sum(found)} of {len(found)} ({sum(found) / len(found):.0%})" if found else "0 of 0"


def summary(lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield the sentences above the table."""
    found = list(judged(lines))
    changes = [one for one in found if one.is_change]
    single = sum(len(line["not_predicted"]) for line in lines)
    whole = [line["program"] for line in lines if line["withheld"]]
    lost = [
        f"{line['program']} {row['setting']}"
        for line in lines
        for row in line["rows"]
        if row.get("measured_s") is None
    ]
    yield (
        f"{len(lines)} programs, {len(found)} predictions measured on "
        f"{environment.machine_name()} ({environment.usable_cpus()} usable CPUs)."
    )
    yield ""
    yield (
        f"* Direction right where the measured change is beyond {CHANGE:.0%}: "
        f"{_share([one.is_right for one in changes])}."
    )
    yield f"* Within {NEAR:.0%} of the measured factor: {_share([one.is_near for one in found])}."
    yield (
        "* The 90 % interval meets that of the measurement: "
        f"{_share([one.covers for one in found])}."
    )
    yield (
        f"* Withheld, and counted nowhere above: {single} single predictions, and all of "
        f"{len(whole)} programs{': ' + ', '.join(whole) if whole else ''}."
    )
    if lost:
        yield f"* Predicted and not measured: {', '.join(lost)}."
    wrong = [f"{one.program} {one.setting}" for one in changes if not one.is_right]
    far = [f"{one.program} {one.setting}" for one in found if not one.is_near]
    yield f"* Wrong direction: {', '.join(wrong) or 'none'}."
    yield f"* Further off than {NEAR:.0%}: {', '.join(far) or 'none'}."


def table(lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield the table: one row for each prediction, and one for each program without any."""
    yield "| program | as it is | setting | predicted | 90 % interval | measured | interval | n | |"
    yield "|---|---:|---|---:|---|---:|---|---:|---|"
    for one in judged(lines):
        limits = "-"
        if one.measured_low is not None and one.measured_high is not None:
            limits = f"{one.measured_low:.2f} to {one.measured_high:.2f}"
        words = []
        if one.is_change and not one.is_right:
            words.append("wrong direction")
        if not one.is_near:
            words.append("far")
        yield (
            f"| {one.program} | {format_seconds(one.baseline_s)} | `{one.setting}` "
            f"| {one.predicted:.2f} | {one.low:.2f} to {one.high:.2f} | {one.measured:.2f} "
            f"| {limits} | {one.episodes} | {', '.join(words)} |"
        )
    for line in lines:
        if line["withheld"]:
            reason = " ".join(str(line["withheld"]).split()).replace("|", "/")
            yield f"| {line['program']} | | | withheld | | | | | {reason} |"


def reasons(lines: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield why single predictions were withheld, with their numbers."""
    counts = Counter(row["withheld"] for line in lines for row in line["not_predicted"])
    if counts:
        yield ""
        yield "Single predictions that were withheld:"
        yield ""
        yield from (f"* {number} times: {reason}" for reason, number in counts.most_common())


def text_of(lines: Sequence[dict[str, Any]]) -> str:
    """Return the section for docs/PREDICTING.md."""
    head = "Factors of the time of the program as it is; below 1 is faster."
    parts = (*summary(lines), "", head, "", *table(lines), *reasons(lines))
    return "\n".join(parts) + "\n"


def splice(path: Path, text: str) -> None:
    """Put a text between the marks of a page, or at its end where it has none."""
    page = path.read_text() if path.is_file() else ""
    begin, end = _MARKS
    if begin not in page or end not in page:
        page = f"{page.rstrip()}\n\n{begin}\n{end}\n"
    before, rest = page.split(begin, 1)
    path.write_text(f"{before}{begin}\n{text}{end}{rest.split(end, 1)[1]}")


def main() -> None:
    """Measure what is missing, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="a .jsonl file; the same one continues it")
    parser.add_argument("--only", nargs="*", default=[], help="names of programs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=20.0, help="what all may take")
    parser.add_argument("--tables-only", action="store_true", help="measure nothing")
    parser.add_argument("--docs", type=Path, help="the page that gets the table")
    given = parser.parse_args()
    results, docs = given.results.resolve(), given.docs and given.docs.resolve()
    if not given.tables_only:
        try:
            measure_all(results, given.only, seed=given.seed, minutes=given.minutes)
        except KeyboardInterrupt:
            print("stopped; the same command continues", file=sys.stderr)
    text = text_of(read(results))
    print(text, end="")
    if docs:
        splice(docs, text)


if __name__ == "__main__":
    main()
