"""How words on the command line become values."""

from __future__ import annotations

import click
import pytest

from mpbench.cli.options import methods_of, parameters_of, scalar
from mpbench.model import Scalar, StartMethod


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        ("0.5", 0.5),
        ("64KiB", 65_536),
        ("1MB", 1_000_000),
        ("true", True),
        ("Queue", "Queue"),
    ],
)
def test_a_value_is_read_as_what_it_looks_like(text: str, value: Scalar) -> None:
    """Numbers, sizes, booleans and words."""
    assert value == scalar(text)
    assert type(value) is type(scalar(text))


def test_a_parameter_has_values() -> None:
    """Values are separated by commas, and a repeated one counts once."""
    assert {"workers": (1, 2)} == parameters_of(("workers=1,2,2",))


@pytest.mark.parametrize("text", ["workers", "=1", "workers="])
def test_a_parameter_without_a_value_is_refused(text: str) -> None:
    """The message shows the form."""
    with pytest.raises(click.BadParameter, match="NAME=VALUE"):
        parameters_of((text,))


def test_start_methods_are_read_in_order() -> None:
    """Several options and commas are the same."""
    assert (StartMethod.SPAWN, StartMethod.FORK) == methods_of(("spawn,fork", "spawn"))


def test_an_unknown_start_method_is_refused() -> None:
    """The message lists those that exist."""
    with pytest.raises(click.BadParameter, match="forkserver"):
        methods_of(("thread",))
