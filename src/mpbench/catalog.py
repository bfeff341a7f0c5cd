"""Catalogue of workloads: discovery, look-up, cases of a tier."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from mpbench.errors import UsageError
from mpbench.model import Case, Scalar, StartMethod, Tier
from mpbench.workload import Workload

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ("cases_of", "discover", "find", "load_file", "verifying", "workloads_in")


def workloads_in(module: ModuleType) -> tuple[Workload, ...]:
    """Return the workloads that a module defines, in the order of its source."""
    return tuple(
        value
        for value in vars(module).values()
        if isinstance(value, Workload) and value.module == module.__name__
    )


def _module_names(folder: str, package: str) -> Iterator[str]:
    """Yield the public modules of each family, one folder a family, in alphabetical order."""
    import pkgutil  # noqa: PLC0415 - as in discover

    for family in pkgutil.iter_modules([folder], f"{package}."):
        if family.ispkg:
            inside = [f"{folder}/{family.name.rpartition('.')[2]}"]
            for entry in pkgutil.iter_modules(inside, f"{family.name}."):
                if not entry.ispkg and not entry.name.rpartition(".")[2].startswith("_"):
                    yield entry.name


def discover() -> Mapping[str, Workload]:
    """
    Import every public module of `mpbench.workloads`' families; return the workloads by name.

    An import error is not caught: a catalogue that silently lacks a family
    would be reported as if that family had been measured.

    Raises:
        ValueError: Two workloads have the same name, or a floor does not exist.
    """
    # Imported here: the measuring interpreter uses this module and needs none of them.
    import gc  # noqa: PLC0415

    from mpbench import workloads as _workloads  # noqa: PLC0415

    found: dict[str, Workload] = {}
    # A hundred modules make many objects and no garbage.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for name in _module_names(_workloads.__path__[0], _workloads.__name__):
            for one in workloads_in(importlib.import_module(name)):
                if one.name in found:
                    raise ValueError(f"{one.name} is declared twice, in {one.module} as well")
                found[one.name] = one
    finally:
        if was_enabled:
            gc.enable()
    for one in found.values():
        for name in one.floor_names:
            if name not in found:
                raise ValueError(f"{one.name}: its floor {name!r} is no workload")
    return dict(sorted(found.items()))


def load_file(path: Path) -> tuple[Workload, ...]:
    """
    Import a user's own workload file and return what it declares.

    Raises:
        UsageError: There is no such file, or it declares no workload.
    """
    import importlib.util  # noqa: PLC0415 - as in discover

    name = path.stem
    if not path.is_file():
        raise UsageError(f"{path} is no file; name a Python file that declares workloads")
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise UsageError(f"{path} is no Python file; name a file that ends in .py")
    module = importlib.util.module_from_spec(specification)
    # Registered under its own name, so that its child functions can be pickled.
    sys.modules[name] = module
    specification.loader.exec_module(module)
    declared = workloads_in(module)
    if not declared:
        raise UsageError(f"{path} declares no workload; see the example in CONTRIBUTING.md")
    return declared


def find(module: str, name: str) -> Workload:
    """
    Import one module and return its workload of that name.

    The measuring interpreter uses this instead of `discover`, so that it holds
    no family but the one it measures.

    Raises:
        UsageError: The module does not declare it.
    """
    for workload in workloads_in(importlib.import_module(module)):
        if workload.name == name:
            return workload
    raise UsageError(f"{module} declares no workload {name!r}")


def _products(
    names: list[str], sweeps: Mapping[str, tuple[Scalar, ...]]
) -> Iterator[dict[str, Scalar]]:
    if not names:
        yield {}
        return
    for value in sweeps[names[0]]:
        for rest in _products(names[1:], sweeps):
            yield {names[0]: value, **rest}


def cases_of(
    workload: Workload,
    *,
    tier: Tier,
    cpus: int,
    methods: tuple[StartMethod, ...],
    chosen: Mapping[str, tuple[Scalar, ...]] | None = None,
) -> tuple[Case, ...]:
    """
    Return the cases of a workload in a tier.

    Args:
        workload: What is measured.
        tier: Which values of its parameters.
        cpus: Usable CPUs, for sweeps over workers.
        methods: Start methods to measure; ignored where none can matter.
        chosen: Values that replace the tier's, by parameter.
    """
    sweeps = {name: sweep.resolve(tier, cpus) for name, sweep in workload.parameters.items()}
    sweeps.update({k: v for k, v in (chosen or {}).items() if k in sweeps})
    picked: tuple[StartMethod | None, ...] = methods if workload.by_method else (None,)
    return tuple(
        Case.make(workload.name, method, params)
        for method in picked
        for params in _products(list(workload.parameters), sweeps)
    )


def verifying(workload: Workload, cpus: int) -> dict[str, tuple[Scalar, ...]]:
    """
    Return the parameter values with which a workload is verified.

    Every word and every switch of tier full, since each may call something
    else, and the smallest number, since sizes change no call.
    """
    chosen: dict[str, tuple[Scalar, ...]] = {}
    for name, sweep in workload.parameters.items():
        values = sweep.resolve(Tier.FULL, cpus)
        words = tuple(value for value in values if isinstance(value, (str, bool)))
        numbers = [value for value in values if not isinstance(value, (str, bool))]
        chosen[name] = words + ((min(numbers),) if numbers else ())
    return chosen
