"""How quantities are written and read."""

from __future__ import annotations

import pytest

from mpbench.units import (
    format_bytes,
    format_duration,
    format_quantity,
    format_seconds,
    parse_bytes,
    parse_seconds,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ns"),
        (1.5e-9, "1.50 ns"),
        (999.6e-9, "1.00 us"),
        (1.234e-5, "12.3 us"),
        (0.0456, "45.6 ms"),
        (0.99996, "1.00 s"),
        (1234.0, "1,234 s"),
        (-2e-3, "-2.00 ms"),
    ],
)
def test_seconds_take_the_unit_that_fits(seconds: float, text: str) -> None:
    """Three digits, and no 1,000 of a smaller unit."""
    assert text == format_seconds(seconds)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (65_536, "64 KiB"),
        (65_537, "65,537 B"),
        (70_000.0, "68.4 KiB"),
        (1_025, "1,025 B"),
        (1 << 30, "1 GiB"),
    ],
)
def test_bytes_take_binary_units(count: int, text: str) -> None:
    """A size that is no multiple keeps its difference visible where it is small."""
    assert text == format_bytes(count)


def test_rates_take_decimal_prefixes() -> None:
    """Bytes per second and operations per second."""
    assert "1.50 GB/s" == format_quantity(1.5e9, "B/s")
    assert "12.0 kop/s" == format_quantity(12_000, "op/s")
    assert "0.950" == format_quantity(0.95, "1")


@pytest.mark.parametrize(
    ("text", "seconds"), [("60s", 60), ("15m", 900), ("250ms", 0.25), ("2.5", 2.5), ("1h", 3_600)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    """With and without a unit."""
    assert seconds == parse_seconds(text)


@pytest.mark.parametrize("text", ["", "s", "-1s", "1y", "inf", "nan", "0"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """The message shows how to write one."""
    with pytest.raises(ValueError, match=r"60s|convert"):
        parse_seconds(text)


def test_sizes_are_read() -> None:
    """Binary and decimal units."""
    assert [4_096, 65_536, 1 << 20, 10**6] == [
        parse_bytes(text) for text in ("4096", "64 KiB", "1M", "1MB")
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "250 ms"), (45.2, "45 s"), (119.4, "119 s"), (780, "13 min"), (3590, "1 h 0 min")],
)
def test_waiting_times_are_written_as_people_say_them(seconds, text):
    """Nobody waits for 3,590 s."""
    assert text == format_duration(seconds)


def test_large_sizes_can_be_read():
    """A size that no machine has is refused by what needs it, not called no size."""
    assert 999 << 40 == parse_bytes("999TiB")
    assert 2 * 10**12 == parse_bytes("2TB")
