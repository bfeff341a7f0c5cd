"""
Drawing of the packages and their imports: `python docs/architecture.py > docs/architecture.svg`.

An arrow means "imports". One that a longer way of arrows implies is left out,
and so are those to the foundation, which every package may import. A test
compares the committed picture with what this script draws.
"""

from __future__ import annotations

import ast
import html
import sys
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "mpbench"
# Small modules and records without an import of the others: one bar at the bottom.
FOUNDATION = ("errors", "units", "clock", "printable", "model")
# Packages that stand below each other, from left to right.
COLUMNS = (
    ("benchmarks", "doctor", "environment", "plan"),
    ("integrations", "session", "sampling", "harness", "agent", "catalog", "workloads", "workload"),
    ("cli", "profiling"),
    ("api", "report", "analysis", "store"),
    ("fleet",),
)
BOX = (176, 72)  # width and height of a box, in pixels
GAP = (56, 50)  # between boxes of a row, and between rows
MARGIN = 20


def _names(node: ast.AST) -> list[str]:
    """Return the modules of mpbench that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        if node.module == "mpbench":
            return [f"mpbench.{alias.name}" for alias in node.names]
        return [node.module]
    return []


def _imported(path: Path) -> set[str]:
    """Return the first part below mpbench of everything that a module imports."""
    parts = [
        name.split(".") for node in ast.walk(ast.parse(path.read_text())) for name in _names(node)
    ]
    return {part[1] for part in parts if part[0] == "mpbench" and len(part) > 1}


def imports() -> dict[str, set[str]]:
    """Return, for each package outside of the foundation, the packages that it imports."""
    graph: dict[str, set[str]] = {"benchmarks": set()}
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        graph["benchmarks"] |= _imported(path)
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if not name.startswith("__") and name not in FOUNDATION:
            graph.setdefault(name, set()).update(_imported(path) - {name})
    return {name: found & graph.keys() for name, found in graph.items()}


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        for name in graph[waiting.pop()] - reached:
            reached.add(name)
            waiting.append(name)
    return reached


def reduced(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the graph without the arrows that a longer way implies."""
    below = {name: _reachable(graph, name) for name in graph}
    return {
        name: {target for target in targets if not any(target in below[one] for one in targets)}
        for name, targets in graph.items()
    }


def places(graph: dict[str, set[str]]) -> dict[str, tuple[int, int]]:
    """Return the column and row of each package: one row below the lowest that imports it."""
    row = dict.fromkeys(graph, 0)
    for name in reversed(list(TopologicalSorter(graph).static_order())):
        for target in graph[name]:
            row[target] = max(row[target], row[name] + 1)
    column = {name: number for number, names in enumerate(COLUMNS) for name in names}
    taken: set[tuple[int, int]] = set()
    found: dict[str, tuple[int, int]] = {}
    for name in sorted(graph, key=lambda name: (row[name], name)):
        place = (column.get(name, len(COLUMNS)), row[name])
        while place in taken:
            place = (place[0] + 1, place[1])
        taken.add(place)
        found[name] = place
    return found


def _summary(name: str) -> str:
    path = ROOT / "benchmarks" if name == "benchmarks" else PACKAGE / name
    path = path / "__init__.py" if path.is_dir() else PACKAGE / f"{name}.py"
    doc = ast.get_docstring(ast.parse(path.read_text())) or ""
    return doc.splitlines()[0].rstrip(".").partition(":")[0]


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) + 1 > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _box(x: float, y: float, width: float, name: str, lines: list[str]) -> str:
    middle = x + width / 2
    texts = "".join(
        f'<text x="{middle:.0f}" y="{y + 36 + 13 * n:.0f}" class="s">{html.escape(line)}</text>'
        for n, line in enumerate(lines)
    )
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{BOX[1]}" rx="6"/>'
        f'<text x="{middle:.0f}" y="{y + 20:.0f}" class="n">{name}</text>{texts}'
    )


def _arrow(source: tuple[float, float], target: tuple[float, float]) -> str:
    """Return a path from the bottom of one box to the top of another, between the columns."""
    x, y = source[0] + BOX[0] / 2, source[1] + BOX[1]
    tx, ty = target[0] + BOX[0] / 2, target[1] - 4
    half = GAP[1] / 2
    if ty - y <= GAP[1]:
        return f"M{x:.0f} {y:.0f}C{x:.0f} {y + half:.0f} {tx:.0f} {ty - half:.0f} {tx:.0f} {ty:.0f}"
    side = 1 if source[0] > target[0] else -1
    channel = tx + side * (BOX[0] + GAP[0]) / 2
    down = f"{y + half:.0f} {channel:.0f} {y + half:.0f} {channel:.0f} {y + GAP[1]:.0f}"
    along = f"{channel:.0f} {ty - half:.0f} {tx:.0f} {ty - half:.0f} {tx:.0f} {ty:.0f}"
    return f"M{x:.0f} {y:.0f}C{x:.0f} {down}V{ty - GAP[1]:.0f}C{along}"


def svg() -> str:
    """Return the picture as SVG text."""
    graph = reduced(imports())
    place = places(graph)
    across, down = (1 + max(one[axis] for one in place.values()) for axis in (0, 1))
    width = 2 * MARGIN + across * (BOX[0] + GAP[0]) - GAP[0]
    height = 2 * MARGIN + (down + 1) * BOX[1] + down * GAP[1]
    corner = {
        name: (MARGIN + x * (BOX[0] + GAP[0]), MARGIN + y * (BOX[1] + GAP[1]))
        for name, (x, y) in place.items()
    }
    arrows = [
        f'<path d="{_arrow(corner[name], corner[target])}"/>'
        for name, targets in sorted(graph.items())
        for target in sorted(targets)
    ]
    boxes = [
        _box(*corner[name], BOX[0], name, _wrapped(_summary(name), 29)) for name in sorted(corner)
    ]
    base = height - MARGIN - BOX[1]
    note = ["records, errors, units, the clock: imported by all, import nothing of the others"]
    boxes.append(_box(MARGIN, base, width - 2 * MARGIN, ", ".join(FOUNDATION), note))
    style = (
        "rect{fill:#f6f8fa;stroke:#57606a}text{font-family:sans-serif;text-anchor:middle;fill:#1f2328}"
        ".n{font-size:14px;font-weight:bold}.s{font-size:11px;fill:#57606a}"
        "path{fill:none;stroke:#0969da;stroke-width:1.3;marker-end:url(#a)}"
    )
    marker = (
        '<marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#0969da;stroke:none"/></marker>'
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" '
        f'aria-label="Packages of mpbench and their imports"><style>{style}</style><defs>{marker}'
        '</defs><rect width="100%" height="100%" style="fill:#fff;stroke:none"/>\n'
        + "\n".join([*arrows, *boxes])
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    sys.stdout.write(svg())
