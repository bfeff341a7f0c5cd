"""The asv suite and the catalogue name the same workloads."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from mpbench.catalog import discover
from mpbench.model import Tier

ROOT = Path(__file__).parent.parent.parent
_CLASS = re.compile(r'^class (\w+)\(_case\("([^"]+)"\)\): \.\.\.$', re.MULTILINE)


def class_name(workload: str) -> str:
    """Return the class of a workload: pipe/round-trip is PipeRoundTrip."""
    return "".join(part.capitalize() for part in re.split(r"[/-]", workload))


def declared() -> dict[str, tuple[str, str]]:
    """Return module and class name of every adapter, by workload."""
    found = {}
    for path in sorted((ROOT / "benchmarks").glob("[a-z]*.py")):
        for name, workload in _CLASS.findall(path.read_text()):
            found[workload] = (path.stem, name)
    return found


def line_for(workload: str) -> str:
    """Return the line that a new workload needs."""
    return f'class {class_name(workload)}(_case("{workload}")): ...'


def lines_for(workload: str) -> str:
    """Return the lines that a workload needs; a new family's begin with those of its module."""
    family = workload.partition("/")[0]
    path = ROOT / "benchmarks" / f"{family}.py"
    module = [f'"""The {family} family in asv."""', "from ._adapter import case as _case"]
    lines = [*([] if path.exists() else module), line_for(workload)]
    return f"benchmarks/{family}.py: " + "\n\n".join(lines)


def test_every_workload_has_its_line() -> None:
    """The message is the line to add, and where."""
    missing = sorted(set(discover()) - set(declared()))

    assert [] == [lines_for(name) for name in missing]


def test_a_new_family_is_told_its_module() -> None:
    """The first workload of a family needs a module around its line."""
    assert lines_for("tide/high-water") == (
        'benchmarks/tide.py: """The tide family in asv."""\n\n'
        "from ._adapter import case as _case\n\n"
        'class TideHighWater(_case("tide/high-water")): ...'
    )
    assert lines_for("pool/x") == 'benchmarks/pool.py: class PoolX(_case("pool/x")): ...'


def test_no_line_is_left_over() -> None:
    """Every adapter has its workload, its right name and its family's module."""
    wrong = [
        workload
        for workload, (module, name) in declared().items()
        if workload not in discover()
        or name != class_name(workload)
        or module != workload.partition("/")[0]
    ]

    assert [] == wrong


def test_the_adapters_hold_no_logic() -> None:
    """A module of benchmarks/ is a docstring, an import and one-line classes."""
    for path in sorted((ROOT / "benchmarks").glob("[a-z]*.py")):
        lines = [line for line in path.read_text().splitlines() if line.strip()]
        others = [
            line
            for line in lines
            if not line.startswith('"""')
            and line != "from ._adapter import case as _case"
            and not _CLASS.fullmatch(line)
        ]

        assert [] == others


def test_asv_would_find_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each class has asv's attributes: parameters with the start method first, version, timeout."""
    pytest.importorskip("asv_runner")
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.setenv("MPBENCH_ASV", "full")
    for workload, (module, name) in declared().items():
        one = getattr(importlib.import_module(f"benchmarks.{module}"), name)
        found = discover()[workload]

        assert one.version == f"{workload}:{found.revision}"
        assert len(one.params) == len(one.param_names)
        assert not found.by_method or one.param_names[0] == "method"
        assert one.timeout >= found.deadline_s
    _forget()


def _forget() -> None:
    for loaded in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[loaded]


def test_the_core_selection_has_every_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without MPBENCH_ASV the core is collected, with values that the catalogue has."""
    pytest.importorskip("asv_runner")
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.delenv("MPBENCH_ASV", raising=False)
    core = importlib.import_module("benchmarks._adapter").CORE
    collected = {
        workload
        for workload, (module, name) in declared().items()
        if hasattr(getattr(importlib.import_module(f"benchmarks.{module}"), name), "mp_seconds")
    }

    assert set(core) == collected
    assert {name.partition("/")[0] for name in discover()} == {
        name.partition("/")[0] for name in core
    }
    for name, params in core.items():
        found = discover()[name]
        values = {key: sweep.resolve(Tier.FULL, 2) for key, sweep in found.parameters.items()}
        assert set(params) <= {"method", *values}
        assert found.by_method is ("method" in params)
        assert all(set(given) <= set(values[key]) for key, given in params.items() if key in values)
    _forget()
