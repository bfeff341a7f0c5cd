"""Figures across machines and interpreters, which are compared by ratios."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from mpbench.analysis.measurements import Platform, platforms_of
from mpbench.report.document import Figure
from mpbench.report.figures.heatmap import Matrix, Ratio, matrix_figure
from mpbench.report.figures.labels import ratio_words
from mpbench.report.run_names import names_in

__all__ = ("method_matrix", "place_matrix")

SCOPE = "matrix"
_MOST_ROWS, _MOST_COLUMNS = 24, 9
_METHODS = ("fork", "spawn", "forkserver")


def _ratio(row: pd.Series[float], prefix: str) -> Ratio:
    low, high = row[f"{prefix}_low"], row[f"{prefix}_high"]
    return Ratio(
        float(row[prefix]),
        None if pd.isna(low) else float(low),
        None if pd.isna(high) else float(high),
    )


def _main(summaries: pd.DataFrame) -> pd.DataFrame:
    """Return the first case of each workload with its main reading, at every place."""
    good = summaries[(summaries["status"] == "ok") & (summaries["fact"] == "")]
    first = good.drop_duplicates(["run", "subject", "workload"])[
        ["run", "subject", "workload", "params"]
    ]
    return good.merge(first, on=["run", "subject", "workload", "params"])


def _places(summaries: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return the column of each place: machine and interpreter, as far as they differ."""
    places = platforms_of(summaries)[:_MOST_COLUMNS]
    machines, pythons = {one.machine for one in places}, {one.python for one in places}

    def name(place: Platform) -> str:
        parts = [place.machine] * (len(machines) > 1) + [place.python] * (len(pythons) > 1)
        return ", ".join(parts) or place.machine

    shown = Counter(name(place) for place in places)
    # Named as in the tables.
    runs = names_in(summaries)
    if max(shown.values(), default=0) > 1 and len({one.run for one in places}) == len(places):
        # The name of a run says more than what some of them share.
        return {(one.run, one.subject): runs[one.run] for one in places}
    return {
        (place.run, place.subject): name(place)
        + (f", {runs[place.run]}" if shown[name(place)] > 1 else "")
        for place in places
    }


def _caption(ratios: dict[tuple[str, str], Ratio], against: str) -> str:
    sure = {
        place: ratio
        for place, ratio in ratios.items()
        if not ratio.is_unsure and ratio.low != ratio.high
    }
    if all(ratio.low is None or ratio.low == ratio.high for ratio in ratios.values()):
        return f"Costs against {against}, from too few agents for intervals: none is claimed."
    if not sure:
        return f"No cost differs from {against} beyond its interval."
    (row, column), worst = max(sure.items(), key=lambda pair: pair[1].value)
    return (
        f"Cost as a multiple of {against}; above 1 is dearer, whatever the metric. The highest is "
        f"{ratio_words(worst.value)} in {row} ({column}). ~ marks ratios whose interval holds 1."
    )


def method_matrix(summaries: pd.DataFrame) -> Figure | None:
    """Draw each start method against the base method, for each place, workload by workload."""
    table = _main(summaries)
    table = table[table["base"].ne("") & table["method_ratio"].notna()]
    places = _places(summaries)
    ratios: dict[tuple[str, str], Ratio] = {}
    columns: dict[str, None] = {}
    for method in _METHODS:
        for (run, subject), name in places.items():
            here = table[
                (table["run"] == run) & (table["subject"] == subject) & (table["method"] == method)
            ]
            # The base against itself is 1 everywhere and says nothing beside others.
            if here.empty or (here["base"] == method).all():
                continue
            column = method if len(places) == 1 else f"{method}, {name}"
            columns[column] = None
            for _, row in here.iterrows():
                ratios[str(row["workload"]), column] = _ratio(row, "method_ratio")
    if not ratios:
        return None
    widest: dict[str, float] = {}
    for (workload, _), one in ratios.items():
        widest[workload] = max(widest.get(workload, 0.0), one.value, 1 / one.value)
    rows = sorted(widest, key=lambda one: -widest[one])[:_MOST_ROWS]
    shown = list(columns)[:_MOST_COLUMNS]
    kept = {
        place: ratio for place, ratio in ratios.items() if place[0] in rows and place[1] in shown
    }
    base = ", ".join(sorted({str(one) for one in table["base"].unique()}))
    caption = _caption(kept, base)
    if len(widest) > len(rows):
        caption += f" The {len(rows)} of {len(widest)} workloads with the widest gaps."
    title = f"Start methods against {base}"
    return matrix_figure(SCOPE, Matrix("methods", title, rows, shown, kept, caption))


def place_matrix(summaries: pd.DataFrame) -> Figure | None:
    """Draw each workload as a multiple of its floor on every machine and interpreter."""
    places = _places(summaries)
    table = _main(summaries)
    table = table[table["floor_ratio"].notna()]
    if len(places) < 2 or table.empty:  # noqa: PLR2004 - one place is compared with nothing
        return None
    ratios: dict[tuple[str, str], Ratio] = {}
    for (run, subject), name in places.items():
        here = table[(table["run"] == run) & (table["subject"] == subject)]
        for _, row in here.drop_duplicates("workload").iterrows():
            ratios[str(row["workload"]), name] = _ratio(row, "floor_ratio")
    names = list(dict.fromkeys(workload for workload, _ in ratios))
    common = [one for one in names if all((one, place) in ratios for place in places.values())]
    rows = (common or names)[:_MOST_ROWS]
    kept = {place: ratio for place, ratio in ratios.items() if place[0] in rows}
    caption = (
        f"{_caption(kept, 'the floor of the same machine')} "
        "Ratios within one machine can be compared between machines, seconds cannot."
    )
    title = "Cost over the floor, by machine and interpreter"
    return matrix_figure(SCOPE, Matrix("places", title, rows, list(places.values()), kept, caption))
