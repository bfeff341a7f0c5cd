"""Tests of the step finder, with cost curves of known shape."""

from __future__ import annotations

import math
import random

import pytest

from mpbench.analysis.steps import boundary_of, find_steps

SIZES = (0, 64, 1024, 4096, 8192, 16384, 16385, 32768, 65532, 65536, 65537, 262144, 1 << 20)


def sweep(cost, *, sizes=SIZES, noise=0.02, agents=8, seed=1):
    """Return costs that agents measured of a curve, with log-normal noise."""
    drawn = random.Random(seed)
    return {x: [cost(x) * math.exp(drawn.gauss(0, noise)) for _ in range(agents)] for x in sizes}


def smooth(size):
    """Cost a fixed part and a part for each byte, as every transport does."""
    return 10e-6 + size * 0.5e-9


def test_a_jump_of_a_fifth_at_one_byte_is_found():
    """The step is between the two sizes, and named after the boundary between them."""
    (step,) = find_steps(sweep(lambda x: smooth(x) * (1.2 if x > 16384 else 1)))

    assert (16384, 16385) == (step.before, step.after)
    assert step.ratio.low < 1.2 < step.ratio.high
    assert boundary_of(step).startswith("16 KiB")


@pytest.mark.parametrize("seed", range(40))
def test_a_smooth_curve_has_no_step(seed):
    """A fixed cost that turns into a cost per byte bends and does not jump."""
    assert () == find_steps(sweep(smooth, seed=seed))


def test_false_steps_are_rare_under_strong_noise():
    """At most the family error of sweeps with 10 % noise shows a step."""
    alarms = sum(bool(find_steps(sweep(smooth, noise=0.1, seed=seed))) for seed in range(300))

    assert alarms <= 0.08 * 300


def test_a_hundredfold_jump_in_a_coarse_sweep_is_found():
    """Starting a process with 72 KiB of arguments waits for the child to read."""
    sizes = (0, 1024, 60 * 1024, 72 * 1024, 1 << 20)
    (step,) = find_steps(sweep(lambda x: 0.8e-3 if x < 65536 else 80e-3, sizes=sizes))

    assert (60 * 1024, 72 * 1024) == (step.before, step.after)
    assert boundary_of(step).startswith("64 KiB")


def test_growth_that_is_linear_in_the_value_is_no_step():
    """Forking a parent of twice the memory takes twice the time."""
    sizes = (0, 64 << 20, 256 << 20, 1 << 30)

    assert () == find_steps(sweep(lambda x: 0.5e-3 + x * 10e-12, sizes=sizes))


def test_a_cost_that_falls_with_the_size_is_a_step_down():
    """Small messages that are slower than large ones are worth a line."""
    (step,) = find_steps(sweep(lambda x: 40e-3 if 16384 < x <= 32768 else 50e-3 + x * 1e-9))[:1]

    assert not step.is_up


def test_neighbouring_jumps_make_one_step():
    """A jump spread over 65,532, 65,536 and 65,537 bytes is told once."""

    def cost(size):
        return smooth(size) * (1 + 0.3 * (size >= 65536) + 0.3 * (size >= 65537))

    (step,) = find_steps(sweep(cost))

    assert (65532, 65537) == (step.before, step.after)


def test_one_wild_agent_makes_no_step():
    """A single agent that measured ten times the cost is trimmed."""
    costs = sweep(smooth)
    costs[16385][3] *= 10

    assert () == find_steps(costs)


def test_one_wild_agent_hides_no_step():
    """Nor does it hide the step that the others show."""
    costs = sweep(lambda x: smooth(x) * (1.5 if x > 16384 else 1))
    costs[16385][3] *= 10
    costs[16384][5] /= 10

    assert 1 == len(find_steps(costs))


def test_points_with_fewer_than_three_agents_are_left_out():
    """Without a spread there is no evidence, however high the jump."""
    assert () == find_steps({1: [1.0, 1.0], 2: [9.0, 9.0], 4: [9.0, 9.0]})


def test_equal_values_do_not_fail():
    """A spread of zero is an interval of length zero."""
    (step,) = find_steps({1: [1.0] * 4, 2: [1.0] * 4, 3: [4.0] * 4, 9: [4.0] * 4})

    assert (2, 3) == (step.before, step.after)


def test_a_gap_with_two_boundaries_is_not_named():
    """Between 1 KiB and 1 MiB one cannot say which boundary it was."""
    sizes = (1, 32, 1024, 1 << 20, 16 << 20)
    (step,) = find_steps(sweep(lambda x: 1.0 if x <= 1024 else 5.0, sizes=sizes))

    assert boundary_of(step) is None
