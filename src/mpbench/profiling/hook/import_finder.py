"""
Finder that hands modules over right after they were imported.

It stands first on `sys.meta_path` and asks the other finders, so a module is
found, made and executed as without it.
"""

from __future__ import annotations

import sys

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

__all__ = ("after_import",)


class _Loader:
    """Loads a module as its own loader does, and hands it over afterwards."""

    def __init__(self, loader: Any, name: str, change: Callable[[str, Any], None]) -> None:
        self._loader = loader
        self._name = name
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: Any) -> Any:
        """Make the module as its own loader does."""
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        """Execute the module, give it its own loader back, and hand it over."""
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._change(self._name, module)


class _Finder:
    """Finds the modules that are wanted wherever the other finders find them."""

    def __init__(self, wants: Callable[[str], bool], change: Callable[[str, Any], None]) -> None:
        self._wants = wants
        self._change = change

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the specification that the other finders have, with our loader."""
        if not self._wants(name):
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                loader: Any = _Loader(spec.loader, name, self._change)
                spec.loader = loader
                return spec
        return None


def after_import(wants: Callable[[str], bool], change: Callable[[str, Any], None]) -> None:
    """
    Have each wanted module handed over after its import.

    Args:
        wants: Whether a module, by its full name, is wanted; asked at each import.
        change: Gets the name and the module. An exception ends the import.
    """
    finder: Any = _Finder(wants, change)
    sys.meta_path.insert(0, finder)
