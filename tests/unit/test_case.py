"""What a case says of its parameters."""

from __future__ import annotations

import pytest

from mpbench.model import Case, Scalar


@pytest.mark.parametrize("value", [True, 1.5])
def test_an_integer_is_a_whole_number(value: Scalar) -> None:
    """Half a worker would be measured as one and labelled as a half."""
    with pytest.raises(ValueError, match="expected a whole number for workers, found"):
        Case.make("own/test", None, {"workers": value}).integer("workers")


@pytest.mark.parametrize("value", [2, 2.0, "2"])
def test_whole_numbers_in_any_form_are_read(value: Scalar) -> None:
    """Records of other programs may write them in their own way."""
    assert 2 == Case.make("own/test", None, {"workers": value}).integer("workers")
