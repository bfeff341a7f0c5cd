"""
Overrides of a program's use of multiprocessing, from outside.

`MPBENCH_OVERRIDES` holds lines `name=value`: `method` (the default start
method), `method!` (also where the program asks for another one by name),
`workers`, `chunk_size`, `max_tasks`, and `file`, to which each process
appends one letter for each thing that it did (see `LETTERS`). Nothing else is recorded.
"""

from __future__ import annotations

import os
import sys

from .import_finder import after_import

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

__all__ = ("LETTERS", "install", "parse")

# What a process did, by the letter that it appends.
LETTERS = {
    "h": "ran with the hook",
    "m": "started a process with the start method that was asked for",
    "x": "started a process with another start method",
    "p": "made a pool or an executor",
    "c": "mapped over a pool or an executor",
    "t": "made a pool or an executor that can replace its workers",
}
# Which overrides concern which module.
_MODULES = {
    "multiprocessing.context": ("_wrap_context", ("method",)),
    "multiprocessing.process": ("_wrap_process", ("method",)),
    "multiprocessing.pool": ("_wrap_pool", ("workers", "chunk_size", "max_tasks")),
    "concurrent.futures.process": ("_wrap_executor", ("workers", "chunk_size", "max_tasks")),
}
_METHODS = ("fork", "spawn", "forkserver")
_POOL_MAPS = ("map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered")


def parse(text: str) -> dict[str, str]:
    """Return the overrides of `MPBENCH_OVERRIDES` by name; `method!` becomes method and force."""
    given = dict(line.split("=", 1) for line in text.split("\n") if "=" in line)
    if "method!" in given:
        given["method"] = given.pop("method!")
        given["force"] = "yes"
    return given


def _count(text: str) -> int | None:
    """Return a number, or None for the word none."""
    return None if text == "none" else int(text)


def _changed(
    args: tuple[Any, ...], named: dict[str, Any], at: int, name: str, value: Any
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return arguments of which one, given by place or by name, has another value."""
    if len(args) > at:
        return (*args[:at], value, *args[at + 1 :]), named
    return args, {**named, name: value}


def _replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put a wrapper in the place of a method, under the method's names."""
    original = getattr(owner, name, None)
    if original is None:
        return
    wrapper = make(original)
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(wrapper, attribute, getattr(original, attribute, None))
    wrapper.__wrapped__ = original
    setattr(owner, name, wrapper)


class _Overrides:
    """The overrides of this process."""

    def __init__(self, given: dict[str, str]) -> None:
        self.given = given
        self._noted: set[str] = set()

    def note(self, letter: str) -> None:
        """Append a letter, once in each process."""
        if letter in self._noted:
            return
        self._noted.add(letter)
        try:
            descriptor = os.open(self.given["file"], os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError:
            # The session is over, or the program has no descriptor left.
            return
        try:
            os.write(descriptor, letter.encode())
        finally:
            os.close(descriptor)

    def _wrap_context(self, module: Any) -> None:
        wanted = self.given["method"]
        contexts = getattr(module, "_concrete_contexts", {})
        if wanted not in contexts:
            return
        module._default_context._default_context = contexts[wanted]
        if "force" not in self.given:
            return

        def forced(original: Any) -> Any:
            def wrapper(self: Any, method: Any = None, *args: Any, **named: Any) -> Any:
                return original(self, wanted if method in _METHODS else method, *args, **named)

            return wrapper

        _replace(module.BaseContext, "get_context", forced)
        _replace(module.DefaultContext, "set_start_method", forced)

    def _wrap_process(self, module: Any) -> None:
        ours = self

        def noting(original: Any) -> Any:
            def start(self: Any) -> Any:
                name = getattr(self, "_start_method", None)
                if name is None:
                    context = sys.modules["multiprocessing.context"]
                    name = context._default_context.get_start_method()
                ours.note("m" if name == ours.given["method"] else "x")
                return original(self)

            return start

        _replace(module.BaseProcess, "start", noting)

    def _maps(self, at: int) -> Callable[[Any], Any]:
        """Return a maker of wrappers with another chunk size; *at* is its place after self."""
        size = _count(self.given["chunk_size"])

        def make(original: Any) -> Any:
            def wrapper(owner: Any, *args: Any, **named: Any) -> Any:
                self.note("c")
                args, named = _changed(args, named, at, "chunksize", size)
                return original(owner, *args, **named)

            return wrapper

        return make

    def _wrap_pool(self, module: Any) -> None:
        given, threads = self.given, module.ThreadPool

        def making(original: Any) -> Any:
            def init(owner: Any, *args: Any, **named: Any) -> None:
                self.note("p")
                if "workers" in given:
                    args, named = _changed(args, named, 0, "processes", int(given["workers"]))
                # Threads need not be replaced.
                if "max_tasks" in given and not isinstance(owner, threads):
                    self.note("t")
                    tasks = _count(given["max_tasks"])
                    args, named = _changed(args, named, 3, "maxtasksperchild", tasks)
                original(owner, *args, **named)

            return init

        _replace(module.Pool, "__init__", making)
        if "chunk_size" in given:
            for name in _POOL_MAPS:
                _replace(module.Pool, name, self._maps(2))

    def _wrap_executor(self, module: Any) -> None:
        given = self.given

        def making(original: Any) -> Any:
            can_replace = "max_tasks_per_child" in original.__code__.co_varnames

            def init(owner: Any, *args: Any, **named: Any) -> None:
                self.note("p")
                if "workers" in given:
                    args, named = _changed(args, named, 0, "max_workers", int(given["workers"]))
                if "max_tasks" in given and can_replace:
                    self.note("t")
                    named = {**named, "max_tasks_per_child": _count(given["max_tasks"])}
                original(owner, *args, **named)

            return init

        _replace(module.ProcessPoolExecutor, "__init__", making)
        if "chunk_size" in given:
            # It has no place: each place after the function is an iterable.
            _replace(module.ProcessPoolExecutor, "map", self._maps(sys.maxsize))

    def wants(self, name: str) -> bool:
        """Whether a module must be changed."""
        return name in _MODULES and not self.given.keys().isdisjoint(_MODULES[name][1])

    def apply(self, name: str, module: Any) -> None:
        """Change a module that has just been imported."""
        getattr(self, _MODULES[name][0])(module)


def install(text: str) -> None:
    """
    Change what is imported already, and the rest when it is.

    Args:
        text: The value of `MPBENCH_OVERRIDES`.
    """
    overrides = _Overrides(parse(text))
    overrides.note("h")
    for name in _MODULES:
        module = sys.modules.get(name)
        if module is not None and overrides.wants(name):
            overrides.apply(name, module)
    after_import(overrides.wants, overrides.apply)
