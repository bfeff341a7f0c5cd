"""The layers, the confined packages, the light measuring interpreter, the form of the code."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import mpbench
from mpbench.catalog import discover
from mpbench.harness.agent_package import AGENT_MODULES
from mpbench.workload.describe import description

ROOT = Path(mpbench.__file__).parent

# Imports go from a later line to an earlier one, or stay inside their own name.
LAYERS = (
    {"errors", "units", "clock", "printable"},
    {"model"},
    {"plan", "workload"},
    {"workloads", "environment"},
    {"catalog"},
    {"agent"},
    {"harness"},
    {"store", "doctor", "sampling"},
    {"profiling"},
    {"analysis"},
    {"report"},
    {"session"},
    {"integrations", "fleet"},
    {"api"},
    {"cli"},
    {"__main__"},
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

# The showing wing must never pull in the measuring one.
SHOWING = {"store", "analysis", "report"}
MEASURING = {"workload", "workloads", "catalog", "agent", "harness"}

CONFINED = {
    "pandas": {"store", "analysis", "report", "session", "integrations", "api", "cli", "fleet"},
    "matplotlib": {"report"},
    "psutil": {"doctor", "environment", "profiling", "sampling"},
    "click": {"cli"},
    "rich": {"cli"},
    "jinja2": {"report", "profiling"},
    "msgspec": {"store", "integrations"},
    "numpy": {"store", "analysis", "report", "session", "integrations", "profiling"},
    "scipy": {"analysis"},
    "distributed": {"fleet"},
    "pyarrow": {"integrations"},
    "asv": {"integrations"},
    "asv_runner": {"integrations"},
    "pytest": {"integrations"},
    "pytest_benchmark": {"integrations"},
    "loky": {"workloads"},
    "joblib": {"workloads"},
    "mpire": {"workloads"},
    "billiard": {"workloads"},
}

# What a spawned child would pay for, or a forked one would copy.
HEAVY = {"dataclasses", "inspect", "asyncio", "pathlib", "unittest", "email", "http", "ssl"}

LINES_CEILING = 350


def sources() -> list[Path]:
    """Return every module of the package."""
    return sorted(path for path in ROOT.rglob("*.py") if "__pycache__" not in path.parts)


def layer_of(path: Path) -> str:
    """Return the layer that a module belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, int, bool]]:
    """Return each import of a module: its full name, its line, whether it is at module level."""
    tree = ast.parse(path.read_text())
    top = {id(node) for node in tree.body}
    found: list[tuple[str, int, bool]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(one.name, node.lineno, id(node) in top) for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            full = [f"{node.module}.{one.name}" for one in node.names]
            names = full if node.module == "mpbench" else [node.module]
            found += [(name, node.lineno, id(node) in top) for name in names]
    return found


def _when_run(path: Path) -> set[str]:
    """Return what a module imports at any time, but not what is for type checkers alone."""
    tree = ast.parse(path.read_text())
    checked = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    hidden = {node.lineno for block in checked for one in block.body for node in ast.walk(one)
              if isinstance(node, ast.Import | ast.ImportFrom)}  # fmt: skip
    return {name for name, line, _ in imports(path) if line not in hidden}


def test_no_module_imports_one_that_imports_it() -> None:
    """Not even inside functions: what two modules both need stands in a third."""
    modules = {
        ".".join(("mpbench", *path.relative_to(ROOT).with_suffix("").parts)): path
        for path in sources()
        if path.stem != "__init__"
    }
    graph = {name: _when_run(path) & modules.keys() for name, path in modules.items()}

    assert list(TopologicalSorter(graph).static_order())


def test_no_layer_imports_a_later_one() -> None:
    """Imports point to earlier layers only."""
    wrong = []
    for path in sources():
        layer = layer_of(path)
        for name, line, _ in imports(path):
            parts = name.split(".")
            if parts[0] != "mpbench" or len(parts) < 2 or parts[1] not in RANK:
                continue
            if layer in RANK and parts[1] != layer and RANK[parts[1]] >= RANK[layer]:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {layer} imports {name}")

    assert [] == wrong


def test_the_showing_wing_does_not_import_the_measuring_one() -> None:
    """Reports can be made where nothing can be measured."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sources()
        if layer_of(path) in SHOWING
        for name, line, _ in imports(path)
        if name.startswith("mpbench.") and name.split(".")[1] in MEASURING
    ]

    assert [] == wrong


def test_packages_stay_where_they_belong() -> None:
    """Each third-party package is imported in its own layers only."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sources()
        for name, line, _ in imports(path)
        if name.split(".")[0] in CONFINED and layer_of(path) not in CONFINED[name.split(".")[0]]
    ]

    assert [] == wrong


def test_only_the_command_line_prints_and_exits() -> None:
    """Print and sys.exit stand in cli alone (and in text that runs elsewhere)."""
    wrong = []
    for path in sources():
        if layer_of(path) in {"cli", "__main__"}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in {"print", "sys.exit", "exit", "quit"}:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {called}")

    assert [] == wrong


def agent_sources() -> list[Path]:
    """Return the modules that travel to another interpreter."""
    return [path for path in sources() if path.relative_to(ROOT).parts[0] in AGENT_MODULES]


def test_the_agent_part_is_python_3_9() -> None:
    """What travels parses with the grammar of the oldest interpreter it may meet."""
    for path in agent_sources():
        ast.parse(path.read_text(), filename=str(path), feature_version=(3, 9))


def test_the_measuring_wing_imports_the_standard_library_only() -> None:
    """No third-party package at module level in what an asv environment runs."""
    allowed = set(sys.stdlib_module_names) | {"mpbench", "__future__"}
    harness = [path for path in sources() if layer_of(path) == "harness"]
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in agent_sources() + harness
        for name, line, top in imports(path)
        if top and name.split(".")[0] not in allowed
    ]

    assert [] == wrong


@pytest.mark.parametrize("family", sorted({one.module for one in discover().values()}))
def test_a_measuring_interpreter_stays_light(family: str) -> None:
    """An agent that holds a family has imported no site package and nothing heavy."""
    code = f"import sys, mpbench.agent.serve, {family}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT.parent)},
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}

    assert set() == loaded - set(sys.stdlib_module_names) - {"mpbench", "__main__", "__mp_main__"}
    assert set() == loaded & HEAVY


@pytest.mark.parametrize("name", sorted(discover()))
def test_a_workload_says_how_to_read_it(name: str) -> None:
    """Its docstring tells what is timed and how the number reads."""
    words = description(discover()[name].doc)

    assert words.summary.endswith(".")
    assert words.timed
    assert words.reads_as


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_of_a_readable_size(path: Path) -> None:
    """No module is longer than what one can hold in the head."""
    assert len(path.read_text().splitlines()) <= LINES_CEILING


@pytest.mark.parametrize(
    "path",
    [path for path in sources() if path.name != "__main__.py"],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_module_names_what_is_public(path: Path) -> None:
    """Each module has a docstring and, when it defines anything, `__all__` as a tuple."""
    tree = ast.parse(path.read_text())
    assigned = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    assert ast.get_docstring(tree)
    if len(tree.body) > 1:
        assert isinstance(assigned.get("__all__"), ast.Tuple)
