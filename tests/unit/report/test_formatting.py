"""How numbers and names are written for people."""

import math

import pytest

from mpbench.report import formatting
from mpbench.report.formatting import TIMES


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.614, f"0.61{TIMES}"),
        (1.0, f"1.00{TIMES}"),
        (1.994, f"1.99{TIMES}"),
        (1.996, f"2.0{TIMES}"),
        (9.94, f"9.9{TIMES}"),
        (9.96, f"10{TIMES}"),
        (1_234.5, f"1,234{TIMES}"),
        (math.nan, "\N{EN DASH}"),
        (math.inf, "\N{EN DASH}"),
    ],
)
def test_ratios_have_the_digits_that_one_can_use(ratio, text):
    """Near 1 two decimals, then one, then none; what is undefined is a dash."""
    assert text == formatting.ratio_text(ratio)


@pytest.mark.parametrize(
    ("low", "high", "digits"),
    [(0.5, 1.5, 2), (0.9, 1.1, 2), (0.97, 1.03, 3), (0.999, 1.001, 4), (1.0, 1.0, 3)],
)
def test_digits_follow_the_interval(low, high, digits):
    """A wide interval leaves two digits, a narrow one up to four."""
    assert digits == formatting.digits_for(1.0, low, high)
    assert 3 == formatting.digits_for(0.0, low, high)
    assert 3 == formatting.digits_for(1.0, math.nan, math.nan)


@pytest.mark.parametrize(
    ("low", "high", "unit", "text"),
    [
        (8.01e-4, 8.4e-4, "s", "801 \N{EN DASH} 840 us"),
        (9.1e-4, 1.2e-3, "s", "910 us \N{EN DASH} 1.20 ms"),
        (0.5, 0.75, "1", "0.500 \N{EN DASH} 0.750"),
        (math.nan, 1.0, "s", "\N{EN DASH}"),
    ],
)
def test_an_interval_writes_a_shared_unit_once(low, high, unit, text):
    """Both ends have their unit unless it is the same."""
    assert text == formatting.interval_text(low, high, unit)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("payload_bytes", 65_536.0, "64 KiB"),
        ("payload_bytes", 65_537.0, "65,537 B"),
        ("workers", 4.0, "4"),
        ("workers", math.nan, "\N{EN DASH}"),
        ("kind", None, "\N{EN DASH}"),
        ("kind", "Lock", "Lock"),
        ("tasks", 2_000_000.0, "2,000,000"),
    ],
)
def test_parameters_get_their_unit(name, value, text):
    """Sizes are binary, counts have no decimals, and what is missing is a dash."""
    assert text == formatting.param_text(name, value)


def test_a_docstring_is_split_at_its_labels():
    """Labels may share a paragraph; text without one is kept."""
    doc = """
    Send one message.

    It goes there and back.

    Timed: one `send`.  Not timed: starting
    the child.

    Reads as: the price.
    """

    summary, parts = formatting.docstring_parts(doc)

    assert "Send one message." == summary
    assert (
        ("", "It goes there and back."),
        ("Timed", "one `send`."),
        ("Not timed", "starting the child."),
        ("Reads as", "the price."),
    ) == parts


def test_an_empty_docstring_is_no_error():
    """A foreign file may hold anything."""
    assert ("", ()) == formatting.docstring_parts("")


def test_slugs_are_plain_and_never_collide():
    """Names that differ have ids that differ, whatever they are made of."""
    names = ["pipe/round-trip", "pipe round trip", "Pipe/Round-Trip", "<b>", "", "é", "a" * 90]

    slugs = [formatting.slug(name) for name in names]

    assert "pipe-round-trip" == slugs[0]
    assert len(set(slugs)) == len(names)
    assert all(set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for slug in slugs)


@pytest.mark.parametrize(
    ("words", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_words_are_joined_as_a_phrase(words, text):
    """The last two are joined by `and`."""
    assert text == formatting.join_words(words)
