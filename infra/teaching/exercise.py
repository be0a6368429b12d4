"""Exercises: a question in a notebook; what is right, hints in steps and a solution in `exercises/chapter_NN.py`.

A judge computes what is right from the data (the notebook's names, or the lake itself), never from a constant: with another seed or more events
every solution is still right.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Names = Mapping[str, Any]


class Wrong(Exception):
    """What is not right yet about an answer, in one sentence for the learner."""


class Open(Exception):
    """Nothing was done yet where an exercise is done on the lake."""


class UnknownExercise(LookupError):
    """There is no exercise of this number. Shown as its one sentence, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@dataclass(frozen=True)
class Exercise:
    """One exercise of a chapter.

    Parameters
    ----------
    number: chapter and place, for example `1.2`
    judge: called with the answer and the notebook's names; returns why it is right, raises Wrong (or Open)
    hints: from a nudge to nearly the answer; `hint()` shows the next one at each call
    solution: Python code in the notebook's names; where there is an answer cell it sets `answer_1_2`
    answer: whether there is an answer cell; an exercise without one is done on the lake, and the judge looks there
    """

    number: str
    judge: Callable[[Any, Names], str]
    hints: tuple[str, ...]
    solution: str
    answer: bool = True

    @property
    def name(self) -> str:
        """The name that the answer cell sets."""
        return f"answer_{self.number.replace('.', '_')}"


def find(number: Any) -> Exercise:
    """Return an exercise by its number, also where it was given as a number and not as text. Raises UnknownExercise."""
    number = str(number).strip()
    chapter = number.partition(".")[0].zfill(2)
    found = [exercise for exercise in of_chapter(chapter) if exercise.number == number]
    if not found:
        raise UnknownExercise(f"There is no exercise {number}: take the number that stands in front of the question.")
    return found[0]


def of_chapter(chapter: str) -> list[Exercise]:
    """Return the exercises of a chapter, named by its two digits, in order; none for a chapter without any."""
    try:
        module = importlib.import_module(f"infra.teaching.exercises.chapter_{chapter}")
    except ModuleNotFoundError as error:
        if error.name != f"infra.teaching.exercises.chapter_{chapter}":
            raise
        return []
    return list(module.EXERCISES)


def yourself(chapter: str) -> tuple[str, ...]:
    """Return the answers to a chapter's three questions under "Check yourself": `CHECK_YOURSELF` in its file.

    Raises UnknownExercise where the chapter has none.
    """
    try:
        module = importlib.import_module(f"infra.teaching.exercises.chapter_{chapter.zfill(2)}")
        return tuple(module.CHECK_YOURSELF)
    except (ModuleNotFoundError, AttributeError):
        raise UnknownExercise(f"There is no chapter {chapter} with questions to check yourself.") from None
