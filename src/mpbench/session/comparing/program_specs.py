"""From an arm of the user's to a program that can be run: command, environment, folder."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mpbench.errors import UsageError
from mpbench.harness.placement import pinnable_cpus
from mpbench.harness.programs import ProgramSpec
from mpbench.profiling.overrides import check_overrides

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpbench.session.comparing.arms import Arm
    from mpbench.session.interpreters import InterpreterInfo

__all__ = ("ProgramOptions", "program_spec")


class ProgramOptions(NamedTuple):
    """
    How whole programs are run, the same for all arms.

    Args:
        stdin: The file that they read; nothing where it is None.
        timeout_s: After how long a run is ended.
        warmups: Runs of each arm before anything is looked at.
        shell: Whether a shell runs the commands.
        ignore_output: Whether the arms may write different things to stdout.
        prepare: Shell commands that are run before each run: one for all arms, or one for each.
        cleanup: Shell commands that are run after the last run: one for all, or one for each.
    """

    stdin: Path | None = None
    timeout_s: float = 60.0
    warmups: int = 1
    shell: bool = False
    ignore_output: bool = False
    prepare: tuple[str, ...] = ()
    cleanup: tuple[str, ...] = ()


def _words(text: str, arm: Arm) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(
            f"arm {arm.text!r}: {str(error).lower()}; its words are split as a shell splits them"
        ) from None
    if not words:
        raise UsageError(f"arm {arm.text!r} names no program")
    return words


def _missing(arm: Arm, what: str, word: str) -> UsageError:
    hint = "; after a comma comes KEY=VALUE with one of the keys of an arm" if "," in word else ""
    return UsageError(f"arm {arm.text!r}: {what}{hint}")


def _python_command(arm: Arm, info: InterpreterInfo, folder: Path) -> list[str]:
    words = _words(arm.program or "", arm)
    if words[0] == "-m" and len(words) == 1:
        raise UsageError(f"arm {arm.text!r}: -m needs the name of a module")
    if words[0] not in {"-m", "-c"} and not (folder / words[0]).exists():
        raise _missing(arm, f"there is no script {words[0]!r} in {folder}", words[0])
    return [info.subject.executable, *info.subject.options, *words]


def _any_command(arm: Arm, folder: Path, environment: Mapping[str, str]) -> list[str]:
    words = _words(arm.command or "", arm)
    name = words[0]
    path = str(folder / name) if "/" in name else name
    found = shutil.which(path, path=environment.get("PATH", os.defpath))
    if found is None:
        wrong = f"there is no executable {name!r}; expected the path of one, or a command on PATH"
        if Path(path).is_file():
            wrong = f"{name!r} may not be executed (chmod +x), or give it to its interpreter"
        raise _missing(arm, wrong, name)
    return [found, *words[1:]]


def _cpus(arm: Arm) -> tuple[int, ...]:
    text = arm.overrides.get("cpus")
    if text is None:
        return ()
    try:
        cpus = tuple(sorted({int(word) for word in text.split(",")}))
    except ValueError:
        raise UsageError(f"arm {arm.text!r}: cpus={text} is no list such as 0,1") from None
    usable = pinnable_cpus()
    if not set(cpus) <= set(usable):
        raise UsageError(
            f"arm {arm.text!r}: cpus={text}, but only {', '.join(map(str, usable)) or 'none'} "
            "can be chosen here"
        )
    return cpus


def _variables(arm: Arm, info: InterpreterInfo) -> dict[str, str]:
    """Return the environment of a program: the user's, and what the arm changes."""
    found = {**os.environ, **dict(info.subject.variables)}
    if arm.rev is not None and info.subject.paths:
        before = found.get("PYTHONPATH")
        found["PYTHONPATH"] = os.pathsep.join([*info.subject.paths, *([before] if before else [])])
    for key, value in arm.overrides.items():
        if key.startswith("env:"):
            found[key.removeprefix("env:")] = value
    return found


def _folder(arm: Arm, info: InterpreterInfo) -> Path:
    """Return where a program runs: here, or where the files of its commit are."""
    if arm.rev is None:
        return Path.cwd()
    return Path(info.subject.executable).parents[2] / "source"


def program_spec(arm: Arm, info: InterpreterInfo, options: ProgramOptions) -> ProgramSpec:
    """
    Return what an arm runs.

    Args:
        arm: The arm, with its name.
        info: The interpreter of its program.
        options: How all arms are run.

    Raises:
        UsageError: There is no such program, or the arm cannot be.
    """
    check_overrides(arm.overrides)
    folder = _folder(arm, info)
    environment = _variables(arm, info)
    if arm.program is not None:
        command = _python_command(arm, info, folder)
    elif options.shell:
        command = ["/bin/sh", "-c", arm.command or ""]
    else:
        command = _any_command(arm, folder, environment)
    return ProgramSpec(
        name=arm.name,
        command=tuple(command),
        environment=environment,
        folder=str(folder),
        stdin=os.devnull if options.stdin is None else str(options.stdin.resolve()),
        timeout_s=options.timeout_s,
        cpus=_cpus(arm),
        ignore_output=options.ignore_output,
    )
