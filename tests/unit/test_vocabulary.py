"""One word for one thing: module headings and the words that CONTRIBUTING.md rules out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import mpbench

ROOT = Path(mpbench.__file__).parent
CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"
# A heading that begins with one of these is a question or a sentence, not what the module holds.
NO_NOUN = {"how", "what", "when", "where", "whether", "which", "who", "why", "turns", "makes", "is"}
# The glossary's word for each stands in CONTRIBUTING.md.
BANNED = {
    "ballast": "held memory",
    "bake-off": "statistic comparison",
    "burden": "injected slowdown",
    "crew": "worker group",
    "gang": "workers",
    "handover": "agent package",
    "hog": "background load",
    "intruder": "other process",
    "last words": "log tail",
    "lifeline": "CPU-time series",
    "occasion": "episode context",
    "veil": "anonymiser",
}
WORDS = re.compile(rf"(?<![a-z])({'|'.join(map(re.escape, BANNED))})s?(?![a-z])", re.IGNORECASE)


def modules() -> list[Path]:
    """Return every module of the package."""
    return sorted(ROOT.rglob("*.py"))


def name_of(path: Path) -> str:
    """Return the path below the package."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_heading_says_what_the_module_holds(path: Path) -> None:
    """The first line of its docstring is a noun phrase of at most 90 characters."""
    lines = (ast.get_docstring(ast.parse(path.read_text())) or "").splitlines()
    if path.name == "__main__.py" and not lines:
        return

    assert lines
    assert len(lines[0]) <= 90
    assert lines[0].endswith(".")
    assert lines[0].split()[0].lower().strip("`,") not in NO_NOUN


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_the_words_of_the_glossary_are_used(path: Path) -> None:
    """No name and no sentence uses a word for which the glossary has another."""
    text = path.read_text()
    # Names of version 0.1 are mapped to the present ones there.
    if path.parent.name == "workload" and path.stem in {"__init__", "window_counter"}:
        text = re.sub(r"_OLD_NAMES = \{.*?\n\}|_OLD_NAMES = \{.*?\}", "", text, flags=re.DOTALL)

    assert [] == [
        f"{match[0]!r}: say {BANNED[match[1].lower()]!r}" for match in WORDS.finditer(text)
    ]


def test_the_glossary_has_a_word_for_each_that_is_ruled_out() -> None:
    """CONTRIBUTING.md names each banned word beside the one to use."""
    glossary = CONTRIBUTING.read_text()

    assert [] == [f"{word} ({use})" for word, use in BANNED.items() if use not in glossary]
