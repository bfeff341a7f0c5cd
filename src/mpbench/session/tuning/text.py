"""A tuning in words: rows of its table, its advice, Markdown, JSON."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.analysis.verdict import Verdict
from mpbench.analysis.whatif.prediction import to_record as predictions_record
from mpbench.model import Metric
from mpbench.report.markdown import escape
from mpbench.report.verdicts import change_text
from mpbench.session.tuning.candidates import LEAST_GAIN, present_s
from mpbench.units import format_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpbench.session.tuning.call_sites import Edit
    from mpbench.session.tuning.record import Measured, Tuning

__all__ = ("HEAD", "TuningRow", "advice", "rows", "says", "to_markdown", "to_record", "trust")

HEAD = ("setting", "predicted", "90 % interval", "measured", "change", "verdict", "n")
_MOST_LOSSES = 3


class TuningRow(NamedTuple):
    """One setting: what was predicted of it, what was measured."""

    setting: str
    predicted: str
    interval: str
    measured: str
    change: str
    verdict: str
    episodes: str


def _seconds(value: float | None) -> str:
    return "-" if value is None else format_seconds(value)


def _verdict(measured: Measured) -> str:
    if measured.verdict is None:
        return "not measured"
    if measured.ratio is None or not measured.verdict.is_change:
        word = measured.verdict.word(Metric.WALL_CLOCK)
        return f"{word}: {measured.reason}" if measured.reason else word
    return change_text(measured.ratio.estimate, measured.verdict.word(Metric.WALL_CLOCK))


def _row(one: Measured, plain_s: float | None) -> TuningRow:
    """Return a row; its time follows from its change, which neighbours in time have in common."""
    candidate = one.candidate
    interval = "-"
    if candidate.low_s is not None and candidate.high_s is not None:
        interval = f"{format_seconds(candidate.low_s)} to {format_seconds(candidate.high_s)}"
    change, measured = "-", None
    if one.seconds is not None and one.baseline_s and plain_s:
        factor = one.seconds / one.baseline_s
        measured, change = plain_s * factor, f"{factor - 1:+.1%}"
        if one.ratio is not None:
            change += f" [{one.ratio.low - 1:+.1%}, {one.ratio.high - 1:+.1%}]"
    return TuningRow(
        candidate.name,
        "not predicted" if candidate.predicted_s is None else format_seconds(candidate.predicted_s),
        interval,
        _seconds(measured),
        change,
        _verdict(one),
        str(one.episodes or "-"),
    )


def rows(tuning: Tuning) -> tuple[TuningRow, ...]:
    """Return the program as it is and each setting."""
    if tuning.profiled is None:
        return ()
    what_if = tuning.profiled.what_if
    known = [result.baseline_s for result in tuning.results if result.baseline_s is not None]
    plain_s = median(known) if known else None
    plain = TuningRow(
        "as it is",
        format_seconds(present_s(what_if)),
        "-" if what_if.residual is None else f"replay {what_if.residual:+.1%}",
        _seconds(plain_s),
        "-",
        f"{format_seconds(what_if.measured_s)} while it was profiled",
        "-",
    )
    return (plain, *(_row(result, plain_s) for result in tuning.results))


def _losses(tuning: Tuning) -> str:
    found: Any = () if tuning.profiled is None else tuning.profiled.record.get("losses") or ()
    return "; ".join(f"{entry['share']:.0%} {entry['text']}" for entry in found[:_MOST_LOSSES])


def _edit(edit: Edit) -> str:
    where = f"{edit.place}: " if edit.place else ""
    return f"{where}{edit.old} -> {edit.new}" if edit.old else f"{where}{edit.new}"


def advice(tuning: Tuning) -> tuple[str, ...]:
    """Return what to change where, one line for each call; empty where nothing helps."""
    best = tuning.best
    if best is None:
        return ()
    return tuple(dict.fromkeys(_edit(edit) for edit in best.edits))


def says(tuning: Tuning) -> str:
    """Return the result in one sentence."""
    best = tuning.best
    if best is not None and best.ratio is not None:
        size = change_text(best.ratio.estimate, "faster")
        return f"{best.candidate.words}: {size}, as measured."
    if tuning.profiled is None:
        return "stopped before the program was profiled; nothing is known."
    losses = _losses(tuning)
    rest = f"; the largest losses are: {losses}" if losses else ""
    return f"{_nothing(tuning, tuning.profiled.what_if.withheld)}{rest}."


def _nothing(tuning: Tuning, withheld: str | None) -> str:
    """Return why no setting is advised."""
    if withheld is not None:
        return f"nothing is predicted of this program, because {withheld}"
    if not tuning.results:
        return (
            "nothing that can be set from outside makes this program faster by more than "
            f"{LEAST_GAIN:.0%}"
        )
    if all(result.verdict is None for result in tuning.results):
        return "settings were predicted to help, and none was measured"
    if any(result.verdict is Verdict.INCONCLUSIVE for result in tuning.results):
        return "no setting surely makes this program faster; a longer --budget may tell"
    return "no setting was measured to make this program faster"


def trust(tuning: Tuning) -> str:
    """Return what speaks against it, or that nothing does."""
    words = []
    if tuning.interrupted:
        words.append("interrupted, this is what there was until then")
    words += [text for text in (tuning.note, tuning.control or "") if text]
    return "; ".join(words)


def _table(tuning: Tuning) -> Iterator[str]:
    yield f"| {' | '.join(HEAD)} |"
    yield "|---|---:|---|---:|---|---|---:|"
    for row in rows(tuning):
        yield f"| {' | '.join(escape(cell) for cell in row)} |"


def to_markdown(tuning: Tuning) -> str:
    """Return a tuning as Markdown."""
    lines = [f"### mpbench tune {escape(tuning.program)}", ""]
    if tuning.profiled is not None:
        lines += [*_table(tuning), ""]
    lines.append(escape(says(tuning)))
    lines += [f"- change {escape(line)}" for line in advice(tuning)]
    if trust(tuning):
        lines += ["", escape(trust(tuning))]
    return "\n".join(lines) + "\n"


def _measured(measured: Measured) -> dict[str, Any]:
    candidate, ratio = measured.candidate, measured.ratio
    return {
        "settings": list(candidate.settings),
        "words": candidate.words,
        "predicted_s": candidate.predicted_s,
        "predicted_low_s": candidate.low_s,
        "predicted_high_s": candidate.high_s,
        "assumptions": list(candidate.assumptions),
        "baseline_s": measured.baseline_s,
        "measured_s": measured.seconds,
        "ratio": None if ratio is None else ratio.estimate,
        "ratio_low": None if ratio is None else ratio.low,
        "ratio_high": None if ratio is None else ratio.high,
        "verdict": None if measured.verdict is None else measured.verdict.value,
        "reason": measured.reason or None,
        "episodes": measured.episodes,
        "edits": [edit._asdict() for edit in measured.edits],
    }


def to_record(tuning: Tuning) -> dict[str, Any]:
    """Return a tuning as JSON-able values."""
    profiled = tuning.profiled
    return {
        "program": tuning.program,
        "what_if": None if profiled is None else predictions_record(profiled.what_if),
        "losses": None if profiled is None else profiled.record.get("losses"),
        "results": [_measured(result) for result in tuning.results],
        "says": says(tuning),
        "advice": list(advice(tuning)),
        "control": tuning.control,
        "interrupted": tuning.interrupted,
        "note": tuning.note or None,
        "seconds": tuning.seconds,
    }
