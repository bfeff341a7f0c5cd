"""Files that the schema allows and no run would write, given to every command that reads files."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import fakes
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from mpbench.cli.main import main
from mpbench.errors import RecordError
from mpbench.model.sampled import CpuSeries, SampledUsage
from mpbench.store import RESULTS, Writer, read, schema

COMMANDS = {
    "report": ("report", "hostile", "-o", "out"),
    "compare": ("compare", "fine", "hostile"),
    "advise": ("advise", "hostile"),
    "csv": ("export", "hostile", "--format", "csv", "-o", "out.csv"),
    "pyperf": ("export", "hostile", "--format", "pyperf", "-o", "out.json"),
    "pytest-benchmark": ("export", "hostile", "--format", "pytest-benchmark", "-o", "bench.json"),
    "asv": ("export", "hostile", "--format", "asv", "-o", "asv", "--commit", "0" * 40),
    "anonymise": ("anonymise", "hostile", "-o", "copy"),
    "import": ("import", "bench.json", "-o", "imported"),
}
_LARGEST = 2**63 - 1


def _from_type(kind: Any) -> st.SearchStrategy[Any]:  # noqa: C901, PLR0911 - each type
    """Return the values that the schema allows for a type, the odd ones first."""
    match kind:
        case inspect.IntType():
            low = 0 if kind.ge is None and kind.gt is None else max(kind.ge or 0, -(2**63))
            return st.sampled_from([low, 0, 1, 2, _LARGEST]) | st.integers(low, _LARGEST)
        case inspect.FloatType():
            ends = (kind.ge if kind.ge is not None else -1e308, kind.le or 1e308)
            return st.sampled_from([0.0, *ends]) | st.floats(*ends)
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.StrType():
            return st.text(min_size=kind.min_length or 0, max_size=5)
        case inspect.ListType():
            return st.lists(_from_type(kind.item_type), max_size=3)
        case inspect.DictType():
            return st.dictionaries(
                _from_type(kind.key_type), _from_type(kind.value_type), max_size=2
            )
        case inspect.UnionType():
            return st.one_of(*map(_from_type, kind.types))
        case inspect.StructType():
            fields = {field.encode_name: _from_type(field.type) for field in kind.fields}
            return st.fixed_dictionaries(fields)
        case inspect.NamedTupleType():
            return st.tuples(*(_from_type(field.type) for field in kind.fields)).map(list)
    return st.just({})


_FIELDS = {
    field.encode_name: _from_type(field.type)
    for field in inspect.type_info(schema.RepetitionLine).fields  # type: ignore[attr-defined]
    if field.encode_name
    in {"iterations", "samples", "started_ns", "elapsed_ns", "hash_seed", "agent", "account",
        "sampled"}
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a run that is fine, every kind of record in it."""
    folder = tmp_path_factory.mktemp("numbers")
    run = fakes.run(agents=2)
    tracks = (CpuSeries("parent", (5, 9)), CpuSeries("worker", (None, 7)))
    sampled = SampledUsage(9, 1, 3_000, 400_000, (-1, 20), tracks, 4)
    first, *others = run.repetitions
    run = run._replace(repetitions=(first._replace(sampled=sampled), *others), end=None)
    with Writer(folder / "fine") as writer:
        writer.write_run(run)
    return folder


def _hostile(place: Path, dice: random.Random, drawn: list[dict[str, Any]]) -> bool:
    """Write a file with other numbers in some repetitions; return whether the reader takes it."""
    lines = (place / "fine" / RESULTS).read_bytes().splitlines()
    places = [at for at, line in enumerate(lines) if b'"record":"repetition"' in line]
    for fields, at in zip(drawn, dice.sample(places, len(drawn)), strict=True):
        chosen = dice.sample(sorted(fields), dice.randint(1, len(fields)))
        changed = {**json.loads(lines[at]), **{name: fields[name] for name in chosen}}
        lines[at] = msgspec.json.encode(changed)
    folder = place / "hostile"
    folder.mkdir(exist_ok=True)
    (folder / RESULTS).write_bytes(b"\n".join(lines) + b"\n")
    try:
        read(folder)
    except RecordError:
        return False
    return True


def _ask(words: tuple[str, ...], place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command on the file: an answer, or one line."""
    before = Path.cwd()
    os.chdir(place)
    try:
        with pytest.raises(SystemExit) as ended:
            main(words)
    finally:
        os.chdir(before)
    code, lines = ended.value.code, capsys.readouterr().err.strip().splitlines()
    assert code in {0, 1, 2, 3, 4}, lines
    assert code != 2 or 1 == len(lines), lines
    assert not any("Traceback" in line or "Warning" in line for line in lines), lines


def _through_all(place: Path, capsys: pytest.CaptureFixture[str], names: list[str]) -> None:
    for name in names:
        for folder in ("copy", "imported"):
            shutil.rmtree(place / folder, ignore_errors=True)
        _ask(COMMANDS[name], place, capsys)


_SETTINGS = settings(
    suppress_health_check=list(HealthCheck), print_blob=True, phases=[Phase.generate]
)


@settings(_SETTINGS, max_examples=40, derandomize=True)
@given(st.lists(st.fixed_dictionaries(_FIELDS), min_size=1, max_size=3), st.randoms())
def test_any_number_is_shown_or_refused(
    place: Path, capsys: pytest.CaptureFixture[str], drawn: Any, dice: random.Random
) -> None:
    """Zeros, extremes, tracks without workers: an answer or one line from one of the commands."""
    if _hostile(place, dice, drawn):
        _through_all(place, capsys, [dice.choice(sorted(COMMANDS))])


@pytest.mark.slow
@settings(_SETTINGS, max_examples=200)
@given(st.lists(st.fixed_dictionaries(_FIELDS), min_size=1, max_size=3), st.randoms())
def test_any_number_through_every_command(
    place: Path, capsys: pytest.CaptureFixture[str], drawn: Any, dice: random.Random
) -> None:
    """The same, each file through all of them."""
    if _hostile(place, dice, drawn):
        _through_all(place, capsys, sorted(COMMANDS))
