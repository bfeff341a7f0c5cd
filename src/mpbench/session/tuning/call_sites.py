"""Calls in a program's source that a setting would change, as they are and as they would be."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ("Edit", "edit_of", "find_source")

# Longer calls are shown by the argument that changes alone.
_LONGEST = 80
# Files that are looked through for one of the right name.
_MOST_FILES = 2_000
_POOLS = {"Pool": "processes", "ThreadPool": "processes", "ProcessPoolExecutor": "max_workers"}
_TASKS = {"Pool": "maxtasksperchild", "ProcessPoolExecutor": "max_tasks_per_child"}
_POOL_MAPS = ("map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered")


class Edit(NamedTuple):
    """
    One change to a program's source.

    Args:
        place: File and line.
        old: The call, or the part of it that changes; empty where it could not be read.
        new: What to write instead.
    """

    place: str
    old: str
    new: str


def find_source(name: str, script: Path | None) -> Path | None:
    """
    Return the file of a name that a profile gives, which has no folder; None where unsure.

    Args:
        name: Such as `job.py`.
        script: The program's script; None for a module.
    """
    if not name or (script is not None and script.name == name):
        return script if name else None
    found = _named(name, script.resolve().parent if script is not None else Path.cwd())
    return found[0] if len(found) == 1 else None


def _named(name: str, folder: Path) -> list[Path]:
    found: list[Path] = []
    for seen, path in enumerate(folder.rglob("*.py")):
        if seen >= _MOST_FILES:
            return []
        if path.name == name:
            found.append(path)
    return found


def _calls_at(text: str, line: int) -> Iterator[ast.Call]:
    """Yield the calls whose lines hold the given one, the innermost last."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.lineno <= line <= (node.end_lineno or node.lineno):
            yield node


def _name(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST else ""


def _with_argument(call: ast.Call, name: str, at: int | None, value: str) -> tuple[str, str]:
    """Return a call as it is and with another value of one argument, given by place or name."""
    old = ast.unparse(call)
    before, constant = "", ast.parse(value, mode="eval").body
    named = [keyword for keyword in call.keywords if keyword.arg == name]
    if named:
        before = f"{name}={ast.unparse(named[0].value)}"
        named[0].value = constant
    elif at is not None and len(call.args) > at:
        before = ast.unparse(call.args[at])
        call.args[at] = constant
    else:
        call.keywords.append(ast.keyword(arg=name, value=constant))
    new = ast.unparse(call)
    if _short(old) and _short(new):
        return old, new
    what = f"{_name(call)}(...)"
    return f"{before or f'no {name}'} of {what}", f"{name}={value} of {what}"


def _context(call: ast.Call, method: str) -> tuple[str, str]:
    """Return a call as it is and made in the context of a start method."""
    old, name = _short(ast.unparse(call)), _name(call)
    if name in {"get_context", "set_start_method"}:
        return _with_argument(call, "method", 0, repr(method))
    context = f"multiprocessing.get_context({method!r})"
    if name == "ProcessPoolExecutor":
        return _with_argument(call, "mp_context", 1, context)
    if isinstance(call.func, ast.Attribute):
        call.func.value = ast.parse(context, mode="eval").body
    else:
        call.func = ast.parse(f"{context}.{name}", mode="eval").body
    new = _short(ast.unparse(call))
    return (old, new) if old and new else (f"{name}(...)", f"{context}.{name}(...)")


def _place_of_chunk_size(call: ast.Call) -> int | None:
    """Return where a chunk size stands; what stands there for an executor is an iterable."""
    third = call.args[2] if len(call.args) > 2 else None  # noqa: PLR2004 - the place itself
    return None if _name(call) == "map" and not isinstance(third, ast.Constant) else 2


def _changed(call: ast.Call, key: str, value: str) -> tuple[str, str] | None:
    """Return a call as it is and as a setting would have it; None where it does not concern it."""
    name = _name(call)
    if key == "workers" and name in _POOLS:
        return _with_argument(call, _POOLS[name], 0, value)
    if key == "max_tasks" and name in _TASKS:
        word = "None" if value == "none" else value
        return _with_argument(call, _TASKS[name], 3 if name == "Pool" else None, word)
    if key == "chunk_size" and name in _POOL_MAPS:
        return _with_argument(call, "chunksize", _place_of_chunk_size(call), value)
    if key in {"method", "method!"} and name in {*_POOLS, "Process", "get_context", "Manager"}:
        return _context(call, value)
    return None


def _unread(key: str, value: str) -> str:
    """Return what a setting means in a program, where its call was not found."""
    word = "None" if value == "none" else value
    return {
        "workers": f"{word} workers: the first argument of Pool(...) or ProcessPoolExecutor(...)",
        "chunk_size": f"chunksize={word} of map(...), starmap(...) or imap(...)",
        "max_tasks": f"maxtasksperchild={word} of Pool(...)",
    }.get(key, f"multiprocessing.set_start_method({value!r}), before anything is started")


def edit_of(setting: str, place: str, sources: Sequence[Path | None]) -> Edit:
    """
    Return what a setting is in the program's source.

    Args:
        setting: Such as `workers=4`.
        place: File and line of the call, as the profile gives it; may be empty.
        sources: The files that the place may mean.
    """
    key, _, value = setting.partition("=")
    name, _, line = place.rpartition(":")
    fallback = Edit(place, "", _unread(key.removesuffix("!"), value))
    for source in sources:
        if source is None or source.name != name or not line.isdecimal():
            continue
        try:
            text = source.read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        # The innermost call stands last; an executor's own map has no place for its chunks.
        for call in reversed(list(_calls_at(text, int(line)))):
            found = _changed(call, key, value)
            if found is not None:
                return Edit(f"{source}:{line}", *found)
    return fallback
