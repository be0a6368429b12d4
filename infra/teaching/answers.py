"""Check an answer kindly, give a hint, show a solution. What is right stands in exercises/, one file a chapter.

Pure Python and botocore: a Glue session loads it too.
"""

from __future__ import annotations

import sys
from collections import Counter, UserDict
from typing import Any

from botocore.exceptions import BotoCoreError

from infra.teaching import progress
from infra.teaching.exercise import Exercise, Open, Wrong, find, yourself

SWITCH = "run_solutions"  # a papermill parameter: open exercises are solved, and each solution must be right
LONGEST = 200  # characters of an answer that are shown again
_hints_given: Counter[str] = Counter()


class NamesOf(UserDict[str, Any]):
    """The notebook's names, as a judge sees them: one that is missing is told as Python tells it."""

    def __missing__(self, name: str) -> Any:
        raise NameError(f"name {name!r} is not defined", name=name)


class SolutionFailed(AssertionError):
    """A solution of ours is not right. Only in runs with solutions switched on."""


def check(number: Any, answer: Any = None) -> None:
    """Say whether the answer to an exercise is right, and why; an untouched exercise is open, and the run goes on.

    Parameters
    ----------
    number: the exercise, as its question names it, for example `1.2`
    answer: what the learner set; where it is left out, the name of the answer cell is looked up, if there is one

    Raises NameError and botocore's BotoCoreError (a cell that was not run, or a lost server, is no wrong answer), UnknownExercise,
    SolutionFailed when solutions are switched on and ours is wrong.
    """
    exercise, names = find(number), sys._getframe(1).f_globals
    number = exercise.number
    if answer is None and exercise.answer:
        answer = names.get(exercise.name)
    solved = bool(names.get(SWITCH)) and answer is None
    if solved:
        answer = _solve(exercise, names)
    if answer is None and exercise.answer:
        print(_open(exercise))
        progress.report(number, "open")
        return
    try:
        print(f"✔ {number} {exercise.judge(answer, NamesOf(names))}")
        progress.report(number, "solved")
    except Open:
        if solved:
            raise SolutionFailed(f"The solution of {number} has done nothing.") from None
        print(_open(exercise))
        progress.report(number, "open")
    except Exception as error:
        if solved:
            raise SolutionFailed(f"The solution of {number} is not right: {type(error).__name__}: {error}") from error
        print(_wrong(exercise, answer, error))
        progress.report(number, "wrong")


def hint(number: Any) -> None:
    """Show the next hint of an exercise; after the last one, the last again. Raises UnknownExercise."""
    exercise = find(number)
    number = exercise.number
    place = min(_hints_given[number], len(exercise.hints) - 1)
    _hints_given[number] += 1
    print(f"Hint {place + 1} of {len(exercise.hints)}: {exercise.hints[place]}")


def solution(number: Any) -> None:
    """Show the code that solves an exercise; it runs nothing and changes no answer. Raises UnknownExercise.

    A chapter's number without a point, as in `solution("7")`, shows the answers to the questions under "Check yourself".
    """
    number = str(number).strip()
    if "." in number:
        print(find(number).solution.strip())
    else:
        print("\n".join(f"{place}. {answer}" for place, answer in enumerate(yourself(number), 1)))


def _open(exercise: Exercise) -> str:
    todo = f"set {exercise.name}" if exercise.answer else "do it"
    return f'○ {exercise.number} is open: {todo}, then run this cell again. hint("{exercise.number}") helps.'


def _wrong(exercise: Exercise, answer: Any, error: Exception) -> str:
    if isinstance(error, (NameError, BotoCoreError)):
        raise error
    shown = f"{_shown(answer)} is not it yet" if exercise.answer else "Not yet"
    if isinstance(error, Wrong):
        return f"✘ {exercise.number} {shown}. {error}"
    kind = f"{type(error).__name__}: {str(error).strip()}"
    return f'✘ {exercise.number} {shown} ({kind}). hint("{exercise.number}") helps.'


def _shown(answer: Any) -> str:
    """Return an answer as it is written, where that is a short line; its type where it is not."""
    try:
        text = repr(answer)
    except Exception:  # a learner's own class may have a repr that fails
        text = ""
    return text if 0 < len(text) <= LONGEST and "\n" not in text else f"Your {type(answer).__name__}"


def _solve(exercise: Exercise, names: dict[str, Any]) -> Any:
    exec(compile(exercise.solution, f"<solution {exercise.number}>", "exec"), names)
    return names[exercise.name] if exercise.answer else None
