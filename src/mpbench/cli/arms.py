"""Arms of the command line: the values of `--arm` and `--arms`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from mpbench.cli.arm_items import arm_items
from mpbench.cli.options import scalar
from mpbench.cli.program_arms import program_arm
from mpbench.model import StartMethod

if TYPE_CHECKING:
    from mpbench.model import Scalar
    from mpbench.session.comparing.arms import Arm

__all__ = ("arms_of",)

_KEYS = ("method", "python", "workload", "rev", "call", "sample", "gil", "jit", "flags")
_IS_CODE = re.compile(r"\s*(.*,\s*)?code\s*=", re.DOTALL)
_CODE_KEY = re.compile(r"(code|setup|method|python|rev|sample|gil|jit|flags)\s*=(?!=)")
# The start method that is the interpreter's default, whichever that is.
_DEFAULT = "default"


def _arm(text: str, setup: str) -> Arm:
    """
    Read one arm, `key=value,key=value`.

    Raises:
        click.BadParameter: It is not of that form, or names something twice.
    """
    from mpbench.session.comparing.arms import Arm

    params: dict[str, Scalar] = {}
    if _IS_CODE.match(text):
        known = arm_items(text, _CODE_KEY, brackets=True)
    else:
        known, params = _items(text)
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
        code=known.get("code"),
        setup=known.get("setup", setup),
        sample=_sample(known.get("sample", "off")),
    )


def _items(text: str) -> tuple[dict[str, str], dict[str, Scalar]]:
    """Return the keys of an arm and its parameters."""
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
    return known, params


def _sample(word: str) -> bool:
    if word not in {"on", "off"}:
        raise click.BadParameter(f"sample={word} is neither on nor off", param_hint="--arm")
    return word == "on"


def _method(name: str) -> StartMethod:
    try:
        return StartMethod(name)
    except ValueError:
        known = ", ".join(method.value for method in StartMethod)
        raise click.BadParameter(
            f"{name!r} is no start method; one of {known}, {_DEFAULT}", param_hint="--arm"
        ) from None


def arms_of(long: tuple[str, ...], short: str | None, setup: str = "") -> tuple[Arm, ...]:
    """
    Return the arms of the command line, the baseline first.

    Args:
        long: Every `--arm`.
        short: `--arms`: start methods, separated by commas.
        setup: What is run once before the statement of an arm that has no other.

    Raises:
        click.BadParameter: One cannot be read.
    """
    methods = [] if short is None else [f"method={name.strip()}" for name in short.split(",")]
    return tuple(program_arm(text) or _arm(text, setup) for text in (*methods, *long))
