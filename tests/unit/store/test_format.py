"""docs/FORMAT.md says what the files really hold."""

import re
from pathlib import Path

import pytest

from mpbench.model import Metric, Status
from mpbench.report.csv_file import COLUMNS
from mpbench.store import schema

_TEXT = (Path(__file__).parents[3] / "docs" / "FORMAT.md").read_text()
_WORDS = set(re.findall(r"`([^`]+)`", _TEXT))


@pytest.mark.parametrize(
    "line",
    [
        schema.EnvironmentLine,
        schema.CaseLine,
        schema.RepetitionLine,
        schema.SampleItem,
        schema.AccountLine,
        schema.SliceItem,
        schema.SampledItem,
        schema.TrackItem,
        schema.EventLine,
        schema.EndLine,
    ],
)
def test_every_field_is_described(line):
    """A field that is written to a file stands in the text."""
    assert set() == set(line.__struct_fields__) - _WORDS


def test_every_status_metric_and_column_is_described():
    """Whoever reads a file finds each word in it in the text."""
    assert set() == {status.value for status in Status} - _WORDS
    assert set() == {metric.key for metric in Metric} - _WORDS
    assert set() == set(COLUMNS) - _WORDS


def test_the_schema_is_the_newest_in_the_text():
    """The table of schemas ends with the one that is written."""
    numbers = re.findall(r"^\| (\d+) \|", _TEXT, re.MULTILINE)

    assert str(schema.SCHEMA) == numbers[-1]


def test_the_limits_are_those_in_the_text():
    """The text names the limits that the reader holds to."""
    assert f"lines over {schema.MAX_LINE >> 20} MiB" in _TEXT
    assert f"more than {schema.MAX_DEPTH} deep" in " ".join(_TEXT.split())
