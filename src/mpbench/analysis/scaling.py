"""
Scaling with workers: speed-up, efficiency, Amdahl and USL fits.

The universal scalability law is X(n) = rate_one * n / (1 + contention * (n - 1)
+ coherency * n * (n - 1)) (Gunther, Guerrilla Capacity Planning, 2007); Amdahl's
law is the same with no coherency. A fit is given only where it holds: a curve
through points that it does not describe would predict with false authority.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = (
    "LEAST_COUNTS",
    "Estimate",
    "Fit",
    "Model",
    "Point",
    "Refusal",
    "Scaling",
    "expanded_level",
    "scaling_of",
)

# Three unknowns (with the rate of one worker) leave two points to contradict the model.
LEAST_COUNTS = 5
# A curve through medians of fewer agents would follow each of them.
_LEAST_AGENTS = 3
# The smallest and the largest of n values hold the median between them with probability
# 1 - 2**(1 - n); no percentile of resamples lies outside of them, so fewer than six
# agents have no interval of 95 %.
_LEAST_FOR_INTERVAL = 6
# Resamples for each interval: the ends of a 95 % interval then rest on about 25 of them.
_RESAMPLES = 1_000
# An efficiency of which even the lower end is above this is super-linear: no
# law of contention describes it, so the point with one worker is what is odd.
_SUPER_LINEAR = 1.05
# Root mean square of the relative residuals above which a curve misses the
# points by more than what one would read off it.
_WORST_MISFIT = 0.10
# A point whose whole interval lies further than this from the curve contradicts
# it: the bend at the last CPU, for one, is no contention.
_SURE_MISFIT = 0.05

_Floats = npt.NDArray[np.float64]


class Estimate(NamedTuple):
    """A number and its 95 % interval; the ends are None where there were fewer than six agents."""

    value: float
    low: float | None
    high: float | None


class Point(NamedTuple):
    """What one worker count reached; speed-up and efficiency are against one worker."""

    workers: int
    rate: Estimate
    speed_up: Estimate | None
    efficiency: Estimate | None
    agents: int


class Model(NamedTuple):
    """Which law was fitted: its name, and whether it has the coherency term."""

    name: str
    has_coherency: bool


_AMDAHL = Model("Amdahl", has_coherency=False)
_USL = Model("USL", has_coherency=True)


class Fit(NamedTuple):
    """
    A law that describes the points.

    `best_workers` is the count with the highest throughput, `math.inf` where
    it grows without end. `residuals` are relative: measured over fitted, less 1.
    """

    model: Model
    rate_one: float
    contention: Estimate
    coherency: Estimate
    best_workers: Estimate
    counts: tuple[int, ...]
    residuals: tuple[float, ...]

    def rate(self, workers: float) -> float:
        """Return the throughput that the law gives for a number of workers."""
        loss = self.contention.value * (workers - 1)
        loss += self.coherency.value * workers * (workers - 1)
        return self.rate_one * workers / (1 + loss)


class Refusal(NamedTuple):
    """Why no curve of a law is drawn."""

    model: Model
    reason: str


class Scaling(NamedTuple):
    """Everything that a sweep over worker counts says."""

    points: tuple[Point, ...]
    amdahl: Fit | Refusal
    usl: Fit | Refusal

    @property
    def best(self) -> Point:
        """The measured point with the highest throughput."""
        return max(self.points, key=lambda point: point.rate.value)


def expanded_level(agents: int) -> float:
    """
    Return the tail for a percentile interval that covers 95 % with few agents.

    The plain 2.5 % of a percentile bootstrap cover 89 % with 8 agents. The
    widened tail makes up for the variance that resampling loses and for the t
    distribution: Hesterberg, What Teachers Should Know About the Bootstrap,
    The American Statistician 69 (2015), section 5.3.
    """
    quantile = float(special.stdtrit(agents - 1, 0.025))
    return float(special.ndtr(math.sqrt(agents / (agents - 1)) * quantile))


def scaling_of(
    rates: Mapping[int, Sequence[float]], *, cpus: int | None = None, seed: int = 0
) -> Scaling:
    """
    Return points and fits of a sweep over worker counts.

    Args:
        rates: For each worker count the throughput that each agent reached.
        cpus: Usable CPUs. Where at least five counts do not exceed them, only
            those are fitted: the laws know contention, not a lack of CPUs.
        seed: Of the bootstrap, so that equal input gives equal output.

    Raises:
        ValueError: There is no point, or a throughput is not positive.
    """
    counts = sorted(count for count, values in rates.items() if len(values))
    if not counts or any(min(rates[count]) <= 0 for count in counts):
        raise ValueError("scaling needs worker counts with positive throughputs")
    generator = np.random.default_rng(seed)
    medians = np.array([float(np.median(rates[count])) for count in counts])
    resampled = np.array([_resample(np.asarray(rates[n], float), generator) for n in counts])
    agents = [len(rates[count]) for count in counts]
    points = _points(counts, medians, resampled, agents)
    fitted = [place for place, count in enumerate(counts) if cpus is None or count <= cpus]
    if len(fitted) < LEAST_COUNTS:
        fitted = list(range(len(counts)))
    chosen = tuple(points[place] for place in fitted)
    curves = [_fit(one, chosen, medians[fitted], resampled[fitted]) for one in (_AMDAHL, _USL)]
    return Scaling(points, curves[0], curves[1])


def _resample(values: _Floats, generator: np.random.Generator) -> _Floats:
    """Return medians of resampled agents, the unit of every interval here."""
    picked = generator.integers(0, len(values), size=(_RESAMPLES, len(values)))
    return np.median(values[picked], axis=1)


def _estimate(value: float, resampled: _Floats, agents: int) -> Estimate:
    if agents < _LEAST_FOR_INTERVAL:
        return Estimate(value, None, None)
    level = expanded_level(agents)
    low, high = np.quantile(resampled, [level, 1 - level], method="inverted_cdf")
    return Estimate(value, float(min(low, value)), float(max(high, value)))


def _points(
    counts: list[int], medians: _Floats, resampled: _Floats, agents: list[int]
) -> tuple[Point, ...]:
    """Set each throughput beside that of one worker, where that was measured."""
    points: list[Point] = []
    for place, count in enumerate(counts):
        rate = _estimate(float(medians[place]), resampled[place], agents[place])
        speed_up = efficiency = None
        if counts[0] == 1:
            fewest = min(agents[0], agents[place])
            gain, gains = float(medians[place] / medians[0]), resampled[place] / resampled[0]
            if place == 0:
                gains = np.ones_like(gains)
            speed_up = _estimate(gain, gains, fewest)
            efficiency = _estimate(gain / count, gains / count, fewest)
        points.append(Point(count, rate, speed_up, efficiency, agents[place]))
    return tuple(points)


def _unfit(points: Sequence[Point]) -> str | None:
    """Return why these points cannot be fitted at all, or None."""
    if len(points) < LEAST_COUNTS:
        return f"{len(points)} worker counts were measured; a curve needs at least {LEAST_COUNTS}"
    fewest = min(point.agents for point in points)
    if fewest < _LEAST_AGENTS:
        return f"a count has {fewest} agent(s); a curve needs at least {_LEAST_AGENTS}"
    if points[0].workers != 1:
        return "one worker was not measured, so there is nothing to compare with"
    for point in points:
        assert point.efficiency is not None
        sure = point.efficiency.low if point.efficiency.low is not None else point.efficiency.value
        if sure > _SUPER_LINEAR:
            assert point.speed_up is not None
            return (
                f"{point.workers} workers are {point.speed_up.value:.2f} times as fast as one: "
                "more than linear, which no law of contention explains"
            )
    return None


def _solve(model: Model, workers: _Floats, speed_ups: _Floats) -> tuple[_Floats, _Floats]:
    """
    Fit n / C - 1 on (n - 1) and n (n - 1), contention from 0 to 1, coherency at least 0.

    Contention is the share of the work that is done one after the other, which no
    more than all of it can be. Each row is weighted with C / n, so that relative and
    not absolute errors are made small. With two unknowns the bounded solution is the
    free one or lies on an edge; that is solved for all resamples at once, where
    `scipy.optimize.lsq_linear` (a test compares) takes one call each.

    Args:
        model: Which law.
        workers: The counts, shape (counts,).
        speed_ups: Shape (resamples, counts).

    Returns:
        Contention and coherency of each resample.
    """
    efficiency = speed_ups / workers
    first, second = efficiency * (workers - 1), efficiency * workers * (workers - 1)
    target = 1 - efficiency
    a11, a12, a22 = ((x * y).sum(1) for x, y in ((first, first), (first, second), (second, second)))
    b1, b2 = (first * target).sum(1), (second * target).sum(1)
    none, all_of_it = np.zeros_like(b1), np.ones_like(b1)
    edges = [(np.clip(b1 / a11, 0, 1), none)]
    if model.has_coherency:
        edges += [(one, np.maximum(0, (b2 - a12 * one) / a22)) for one in (none, all_of_it)]
        determinant = a11 * a22 - a12 * a12
        free = (b1 * a22 - b2 * a12) / determinant, (b2 * a11 - b1 * a12) / determinant
        inside = (free[0] >= 0) & (free[0] <= 1) & (free[1] >= 0)
        edges.append((np.where(inside, free[0], 0), np.where(inside, free[1], 0)))
    # What each takes off the squared error.
    gains = [2 * (b1 * x + b2 * y) - (a11 * x + 2 * a12 * y) * x - a22 * y * y for x, y in edges]
    best = np.argmax(gains, axis=0)
    return np.choose(best, [x for x, _ in edges]), np.choose(best, [y for _, y in edges])


def _peak(contention: Any, coherency: Any) -> Any:
    """Return the worker count with the highest throughput, at least 1, infinite without one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        peak = np.sqrt(np.maximum(0, 1 - contention) / coherency)
    return np.where(coherency > 0, np.maximum(1, peak), np.where(contention < 1, np.inf, 1.0))


def _fit(
    model: Model, points: Sequence[Point], medians: _Floats, resampled: _Floats
) -> Fit | Refusal:
    """Fit one law, or say why it does not hold."""
    reason = _unfit(points)
    if reason is not None:
        return Refusal(model, reason)
    workers = np.array([point.workers for point in points], float)
    contention, coherency = _solve(model, workers, (medians / medians[0])[np.newaxis])
    fewest = min(point.agents for point in points)
    contentions, coherencies = _solve(model, workers, (resampled / resampled[0]).T)
    fit = Fit(
        model=model,
        rate_one=float(medians[0]),
        contention=_estimate(float(contention[0]), contentions, fewest),
        coherency=_estimate(float(coherency[0]), coherencies, fewest),
        best_workers=_estimate(
            float(_peak(contention, coherency)[0]), _peak(contentions, coherencies), fewest
        ),
        counts=tuple(point.workers for point in points),
        residuals=(),
    )
    residuals = tuple(point.rate.value / fit.rate(point.workers) - 1 for point in points)
    reason = _misfit(fit, points, residuals)
    return fit._replace(residuals=residuals) if reason is None else Refusal(model, reason)


def _misfit(fit: Fit, points: Sequence[Point], residuals: Sequence[float]) -> str | None:
    """Return how the curve fails to describe the points, or None."""
    typical = math.sqrt(sum(one * one for one in residuals) / len(residuals))
    if typical > _WORST_MISFIT:
        worst = max(zip(residuals, points, strict=True), key=lambda pair: abs(pair[0]))
        return (
            f"{fit.model.name} misses the points by {100 * typical:.0f} % (root mean square), "
            f"most at {worst[1].workers} workers, measured {100 * worst[0]:+.0f} % from the curve"
        )
    for point, residual in zip(points, residuals, strict=True):
        low, high = point.rate.low, point.rate.high
        if low is None or high is None:
            continue
        expected = fit.rate(point.workers)
        if low / expected > 1 + _SURE_MISFIT or high / expected < 1 - _SURE_MISFIT:
            return (
                f"{fit.model.name} contradicts the point at {point.workers} workers, measured "
                f"{100 * residual:+.0f} % from the curve, which is more than its interval"
            )
    return None
