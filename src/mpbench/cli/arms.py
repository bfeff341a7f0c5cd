"""How `--arm` and `--arms` become arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mpbench.cli.options import scalar
from mpbench.cli.program_arms import program_arm
from mpbench.model import StartMethod

if TYPE_CHECKING:
    from mpbench.model import Scalar
    from mpbench.session.comparing.arms import Arm

__all__ = ("arms_of",)

_KEYS = ("method", "python", "workload", "rev", "call", "sample", "gil", "jit", "flags")
# The start method that is the interpreter's default, whichever that is.
_DEFAULT = "default"


def _arm(text: str) -> Arm:
    """
    Read one arm, `key=value,key=value`.

    Raises:
        click.BadParameter: It is not of that form, or names something twice.
    """
    from mpbench.session.comparing.arms import Arm

    known: dict[str, str] = {}
    params: dict[str, Scalar] = {}
    for item in text.split(","):
        key, separator, value = (part.strip() for part in item.partition("="))
        if not (key and separator and value):
            raise click.BadParameter(
                f"{item!r} in {text!r} is not KEY=VALUE; keys are {', '.join(_KEYS)} "
                "and the parameters of workloads",
                param_hint="--arm",
            )
        if key in known or key in params:
            raise click.BadParameter(f"{text!r} names {key!r} twice", param_hint="--arm")
        if key in _KEYS:
            known[key] = value
        else:
            params[key] = scalar(value)
    method = known.pop("method", None)
    is_default = method == _DEFAULT
    return Arm(
        text=text,
        method=None if method is None or is_default else _method(method),
        default_method=is_default,
        overrides={key: known[key] for key in ("gil", "jit", "flags") if key in known},
        params=params,
        python=known.get("python"),
        workload=known.get("workload"),
        rev=known.get("rev"),
        call=known.get("call"),
        sample=_sample(known.get("sample", "off")),
    )


def _sample(word: str) -> bool:
    if word not in {"on", "off"}:
        raise click.BadParameter(f"sample={word} is neither on nor off", param_hint="--arm")
    return word == "on"


def _method(name: str) -> StartMethod:
    try:
        return StartMethod(name)
    except ValueError:
        known = ", ".join(one.value for one in StartMethod)
        raise click.BadParameter(
            f"{name!r} is no start method; one of {known}, {_DEFAULT}", param_hint="--arm"
        ) from None


def arms_of(long: tuple[str, ...], short: str | None) -> tuple[Arm, ...]:
    """
    Return the arms of the command line, the baseline first.

    Args:
        long: Every `--arm`.
        short: `--arms`: start methods, separated by commas.

    Raises:
        click.BadParameter: One cannot be read.
    """
    methods = [] if short is None else [f"method={name.strip()}" for name in short.split(",")]
    return tuple(program_arm(text) or _arm(text) for text in (*methods, *long))
