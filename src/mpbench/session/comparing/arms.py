"""Arms of a comparison, with their interpreters and environments."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mpbench.environment import cache_folder
from mpbench.errors import UsageError
from mpbench.model import StartMethod
from mpbench.session.comparing.interpreter_options import OPTION_KEYS, with_options
from mpbench.session.comparing.revisions import build_revision, commit_of
from mpbench.session.interpreters import (
    InterpreterInfo,
    find_interpreter,
    has_module,
    prepare_interpreters,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mpbench.model import Scalar

__all__ = (
    "Arm",
    "ArmContext",
    "check_callable",
    "prepare_arms",
    "with_default_methods",
    "with_names",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """
    One side of a comparison; what it leaves open is the same for all arms.

    Args:
        text: What the user wrote.
        name: What it is called in tables and records.
        method: Its start method.
        python: Its interpreter, a version or a path.
        workload: Its workload.
        rev: A commit of the user's repository, built into an environment of its own.
        call: A callable of the user's, `package.module:function`.
        params: Its parameters.
        sample: Whether a sampler looks on while it measures, as in a run.
        program: A whole Python program: a script, or `-m` and a module, and its arguments.
        command: Any executable and its arguments.
        overrides: What is changed from outside, by key: options of the interpreter, and
            for a whole program what the hook can change.
        code: A statement of the user's.
        setup: What is run once before it.
        default_method: Whether it has the start method that is its interpreter's default.
    """

    text: str
    name: str = ""
    method: StartMethod | None = None
    python: str | None = None
    workload: str | None = None
    rev: str | None = None
    call: str | None = None
    params: Mapping[str, Scalar] = field(default_factory=lambda: MappingProxyType({}))
    sample: bool = False
    program: str | None = None
    command: str | None = None
    overrides: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    code: str | None = None
    setup: str = ""
    default_method: bool = False

    @property
    def whole(self) -> str | None:
        """The whole program that it runs; None where it runs in an agent."""
        return self.program if self.command is None else self.command

    @property
    def changes(self) -> str:
        """What is changed about its program, as it was written."""
        given = {"python": self.python, "rev": self.rev, **self.overrides}
        return ",".join(f"{key}={value}" for key, value in given.items() if value is not None)

    def record(self) -> dict[str, Any]:
        """Return the arm as JSON-able values."""
        return {"name": self.name, "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmContext:
    """
    Where arms come from.

    Args:
        private: A folder that is gone after the session.
        repository: The user's repository, for arms with a commit.
        paths: The user's folders that agents must be able to import from.
        note: Called when something that takes long is about to happen.
    """

    private: Path
    repository: Path
    paths: tuple[Path, ...]
    note: Callable[[str], None]


def _plain_names(arms: Sequence[Arm]) -> list[str]:
    programs = {arm.whole for arm in arms}
    if len(programs) == 1 and None not in programs:
        usual = "as it is" if any(arm.changes for arm in arms) else str(arms[0].whole)
        return [arm.changes or usual for arm in arms]
    if None not in programs:
        return [", ".join(filter(None, (arm.whole, arm.changes))) for arm in arms]
    keys = {arm.text.partition("=")[0] for arm in arms}
    # `1` beside `0` would not say what they are.
    telling = keys.isdisjoint(OPTION_KEYS)
    short = len(keys) == 1 and telling and not any("," in arm.text for arm in arms)
    return [arm.text.partition("=")[2] if short else arm.text for arm in arms]


def with_names(arms: Sequence[Arm], repository: Path | None = None) -> tuple[Arm, ...]:
    """
    Give the arms short names that differ.

    Arms that are written with one key each, the same for all, are called by
    its value: `fork` and not `method=fork`. A branch or tag gets its commit.

    Args:
        arms: The baseline first.
        repository: Where commits are looked up; None leaves them as they were written.

    Raises:
        UsageError: There are fewer than two arms, or a commit does not exist.
    """
    if len(arms) < 2:  # noqa: PLR2004 - a comparison has two sides
        raise UsageError("a comparison needs two arms at least; give --arm twice or --arms A,B")
    named: list[Arm] = []
    names = [
        name
        if arm.rev is None or repository is None
        else _with_commit(name, arm.rev, commit_of(repository, arm.rev))
        for arm, name in zip(arms, _plain_names(arms), strict=True)
    ]
    for arm, name in zip(arms, names, strict=True):
        same = sum(one.name.partition(" #")[0] == name for one in named)
        named.append(replace(arm, name=f"{name} #{same + 1}" if same else name))
    return tuple(named)


def with_default_methods(
    arms: Sequence[Arm], described: Sequence[InterpreterInfo]
) -> tuple[Arm, ...]:
    """
    Give arms with `method=default` the start method that it means, and a name that says so.

    Args:
        arms: The arms with their names.
        described: The interpreter of each.
    """
    return tuple(
        _with_method(arm, StartMethod(info.facts["default_start_method"]))
        if arm.default_method
        else arm
        for arm, info in zip(arms, described, strict=True)
    )


def _with_method(arm: Arm, method: StartMethod) -> Arm:
    word = "method=default" if "method=default" in arm.name else "default"
    before, _, after = arm.name.partition(word)
    return replace(arm, method=method, name=f"{before}{word} ({method.value}){after}")


def _with_commit(name: str, rev: str, commit: str) -> str:
    """Put a commit's hash behind the name that the user gave it: `HEAD@1a2b3c4d5e`."""
    return name if commit.startswith(rev) else name.replace(rev, f"{rev}@{commit[:10]}", 1)


def _describe(arm: Arm, place: ArmContext, folder: Path) -> InterpreterInfo:
    pythons = () if arm.python is None else (arm.python,)
    if arm.rev is None:
        (found,) = prepare_interpreters(pythons, folder, paths=place.paths)
        return found
    base = None if arm.python is None else find_interpreter(arm.python)
    cache = cache_folder("revisions")
    built = build_revision(place.repository, arm.rev, cache=cache, python=base, note=place.note)
    (found,) = prepare_interpreters((str(built.executable),), folder, paths=built.paths)
    facts = {**found.facts, "revision": built.commit, "described_as": arm.rev}
    key = f"{found.subject.key}@{built.commit[:12]}"
    # Beside the user's own files often lies the working tree, which is not the commit.
    later = tuple(str(path) for path in place.paths)
    return InterpreterInfo(found.subject._replace(key=key, later=later), facts)


def prepare_arms(arms: Sequence[Arm], place: ArmContext) -> tuple[InterpreterInfo, ...]:
    """
    Prepare the interpreter of each arm; arms that share one get the same.

    Args:
        arms: The arms.
        place: Where they come from.

    Raises:
        UsageError: An interpreter, a repository or a commit does not exist.
        EnvironmentUnfitError: An interpreter does not run, or a commit does not build.
    """
    # Building takes long, so a wrong name is found before the first one is built.
    for arm in arms:
        if arm.rev is not None:
            commit_of(place.repository, arm.rev)
    prepared: dict[tuple[str | None, ...], InterpreterInfo] = {}
    for number, arm in enumerate(arms):
        key = _interpreter_key(arm)
        if key not in prepared:
            one = _describe(arm, place, place.private / f"arm-{number}")
            one = with_options(one, arm.overrides)
            same = sum(
                other.subject.key.partition("#")[0] == one.subject.key
                for other in prepared.values()
            )
            if same:
                name = f"{one.subject.key}#{same + 1}"
                one = InterpreterInfo(one.subject._replace(key=name), one.facts)
            prepared[key] = one
    return tuple(prepared[_interpreter_key(arm)] for arm in arms)


def _interpreter_key(arm: Arm) -> tuple[str | None, ...]:
    return (arm.python, arm.rev, *(arm.overrides.get(key) for key in OPTION_KEYS))


def check_callable(arm: Arm, described: InterpreterInfo, private: Path) -> None:
    """
    Check once, before anything is measured, that the module of an arm's callable exists.

    Raises:
        UsageError: Its interpreter does not find it.
    """
    module = (arm.call or "").partition(":")[0]
    if module and not has_module(described.subject, module, private):
        raise UsageError(
            f"arm {arm.text!r}: Python {described.facts['version']} finds no module {module!r}; "
            "expected package.module:function of a module that is installed there or lies in "
            "this folder"
        )
