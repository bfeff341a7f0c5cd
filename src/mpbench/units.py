"""Scaling and text of quantities; the only place that prefixes a unit."""

from __future__ import annotations

import math

__all__ = (
    "format_bytes",
    "format_duration",
    "format_quantity",
    "format_seconds",
    "parse_bytes",
    "parse_seconds",
)

_SECONDS: tuple[tuple[float, str], ...] = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
_MINUTE = 60.0
_DECIMAL: tuple[tuple[float, str], ...] = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_BINARY: tuple[tuple[int, str], ...] = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def _digits(value: float, significant: int) -> str:
    """Write *value* with a number of significant digits and no exponent."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{significant - 1}e}")
    places = max(0, significant - 1 - math.floor(math.log10(abs(rounded))))
    return f"{value:,.{places}f}"


def format_seconds(seconds: float, *, significant: int = 3) -> str:
    """
    Write a duration with the unit that keeps it between 1 and 1,000.

    Args:
        seconds: The duration; below one nanosecond it stays in ns.
        significant: How many digits carry information.
    """
    size = abs(seconds)
    for factor, name in _SECONDS:
        # The last digit may round up to 1,000 of the smaller unit.
        if size >= factor * (1 - 0.5 * 10.0**-significant) or name == "ns":
            return f"{_digits(seconds / factor, significant)} {name}"
    raise AssertionError("the last unit takes every value")


def format_duration(seconds: float) -> str:
    """Write a waiting time as people say it: `45 s`, `13 min`, `1 h 5 min`."""
    if round(seconds) < 2 * _MINUTE:
        return format_seconds(max(0.0, seconds), significant=2)
    minutes = round(seconds / _MINUTE)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{minutes} min"


def format_bytes(count: float) -> str:
    """Write a number of bytes in the binary unit that divides it best (64 KiB, 65,537 B)."""
    for factor, name in _BINARY:
        if count >= factor:
            whole = count / factor
            if whole == int(whole):
                return f"{int(whole):,} {name}"
            if isinstance(count, float) or factor > 1 << 10:
                return f"{_digits(whole, 3)} {name}"
            break
    return f"{count:,.0f} B"


def format_quantity(value: float, unit: str, *, significant: int = 3) -> str:
    """
    Write a value in its base unit for people.

    Args:
        value: In the base unit: seconds, bytes, operations per second, or a plain number.
        unit: `s`, `B`, `B/s`, `op/s` or `1`.
        significant: How many digits carry information.
    """
    if unit == "s":
        return format_seconds(value, significant=significant)
    if unit == "B":
        return format_bytes(value)
    if unit == "1":
        return _digits(value, significant)
    size = abs(value)
    for factor, prefix in _DECIMAL:
        if size >= factor * (1 - 0.5 * 10.0**-significant) or not prefix:
            return f"{_digits(value / factor, significant)} {prefix}{unit}"
    raise AssertionError("the last prefix takes every value")


def parse_seconds(text: str) -> float:
    """
    Read a duration such as `60s`, `15m`, `250ms` or `2.5` (seconds).

    Raises:
        ValueError: The text is no positive duration.
    """
    factors = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0}
    number = text.strip()
    unit = number.lstrip("0123456789.")
    value = float(number[: len(number) - len(unit)] or "nan") * factors.get(unit or "s", math.nan)
    if not value > 0 or math.isinf(value):
        raise ValueError(f"{text!r} is no duration; write for example 60s, 15m or 250ms")
    return value


def parse_bytes(text: str) -> int:
    """
    Read a size such as `4096`, `64KiB`, `1M` (binary) or `1MB` (decimal).

    Raises:
        ValueError: The text is no size.
    """
    binary = {"": 0, "b": 0, "k": 10, "kib": 10, "m": 20, "mib": 20, "g": 30, "gib": 30}
    binary |= {"t": 40, "tib": 40}
    decimal = {"kb": 3, "mb": 6, "gb": 9, "tb": 12}
    number = text.strip().lower().replace(" ", "")
    unit = number.lstrip("0123456789.")
    digits = number[: len(number) - len(unit)]
    if digits and unit in binary:
        return int(float(digits) * (1 << binary[unit]))
    if digits and unit in decimal:
        return int(float(digits) * 10 ** decimal[unit])
    raise ValueError(f"{text!r} is no size; write for example 4096, 64KiB or 1MB")
