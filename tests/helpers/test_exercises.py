"""The new form of exercises: open, right, wrong, hints in steps, solutions that are run when switched on."""

import numpy as np
import pandas as pd
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from infra.teaching import answers as exercises
from infra.teaching import exercise
from infra.teaching.exercise import Exercise, Open, UnknownExercise, Wrong

REFUSED = ClientError({"Error": {"Code": "InvalidRequestException", "Message": "line 1:7: no"}}, "StartQueryExecution")


def judge(answer, names):
    if answer == 4:
        raise Wrong("One more.")
    if isinstance(answer, Exception):
        raise answer
    if not answer == names["right"]:
        raise Wrong("Look again.")
    return "Because."


def run(*lines, **names):
    names.update(check=exercises.check)
    exec("\n".join(lines), names)
    return names


@pytest.fixture(autouse=True)
def chapter(monkeypatch):
    done = []

    def on_the_lake(_, names):
        if not done:
            raise Open
        return "It is there."

    made = [
        Exercise("9.1", judge, ("a", "b"), "answer_9_1 = right"),
        Exercise("9.2", judge, ("a",), "answer_9_2 = 4"),
        Exercise("9.3", on_the_lake, ("a",), "done.append(1)", answer=False),
        Exercise("9.4", on_the_lake, ("a",), "pass", answer=False),
    ]
    monkeypatch.setattr(exercise, "of_chapter", lambda chapter: made)
    exercises._hints_given.clear()
    return done


def test_untouched_is_open(capsys):
    run("answer_9_1 = None", "check('9.1', answer_9_1)", "check('9.3')")
    first, second = capsys.readouterr().out.splitlines()
    assert first == '○ 9.1 is open: set answer_9_1, then run this cell again. hint("9.1") helps.'
    assert second.startswith("○ 9.3 is open: do it")


@pytest.mark.parametrize("answer", [5, np.int64(5), 5.0])
def test_right(answer, capsys):
    run("check('9.1', answer)", answer=answer, right=5)
    assert capsys.readouterr().out == "✔ 9.1 Because.\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (4, "✘ 9.1 4 is not it yet. One more.\n"),
        ("5", "✘ 9.1 '5' is not it yet. Look again.\n"),
        (0, "✘ 9.1 0 is not it yet. Look again.\n"),
        (pd.Series([1, 2]), "(ValueError: The truth value of a Series is ambiguous"),
        (REFUSED, "(ClientError: An error occurred (InvalidRequestException)"),
    ],
)
def test_wrong_of_each_kind_has_its_sentence(answer, said, capsys):
    run("check('9.1', answer)", answer=answer, right=5)
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("error", [NameError("ask"), EndpointConnectionError(endpoint_url="http://127.0.0.1:1")])
def test_a_cell_that_was_not_run_and_a_lost_server_are_no_wrong_answer(error):
    with pytest.raises(type(error)):
        run("check('9.1', answer)", answer=error, right=5)


def test_solutions_switched_on(chapter, capsys):
    names = run("check('9.1', None)", "check('9.3')", run_solutions=True, right=5, done=chapter)
    assert names["answer_9_1"] == 5
    assert capsys.readouterr().out == "✔ 9.1 Because.\n✔ 9.3 It is there.\n"


def test_a_learners_answer_is_never_overwritten(capsys):
    names = run("answer_9_1 = 3", "check('9.1', answer_9_1)", run_solutions=True, right=5)
    assert names["answer_9_1"] == 3
    assert "✘ 9.1 3 is not it yet" in capsys.readouterr().out


@pytest.mark.parametrize("number", ["9.2", "9.4"])
def test_a_wrong_solution_fails_the_run(number):
    with pytest.raises(exercises.SolutionFailed):
        run(f"check({number!r})", run_solutions=True, right=5)


def test_hints_come_in_steps(capsys):
    for _ in range(3):
        exercises.hint("9.1")
    assert capsys.readouterr().out.splitlines() == ["Hint 1 of 2: a", "Hint 2 of 2: b", "Hint 2 of 2: b"]


def test_a_solution_is_shown_and_not_run(capsys):
    exercises.solution("9.1")
    assert capsys.readouterr().out == "answer_9_1 = right\n"


@pytest.mark.parametrize("number", ["9.7", 9.7, 9, None, "", "../x", " nine "])
def test_an_unknown_number(number):
    with pytest.raises(UnknownExercise, match=rf"There is no exercise {str(number).strip()}"):
        exercises.check(number, 1)


def test_a_number_without_quotes_and_an_answer_left_out(capsys):
    run("answer_9_1 = 5", "check(9.1)", "check(' 9.1 ', answer_9_1)", right=5)
    assert capsys.readouterr().out == "✔ 9.1 Because.\n" * 2
    exercises.hint(9.1)
    exercises.solution(9.1)
    assert capsys.readouterr().out == "Hint 1 of 2: a\nanswer_9_1 = right\n"


def test_a_name_that_the_notebook_has_not_is_told_as_python_tells_it():
    with pytest.raises(NameError, match="name 'right' is not defined") as told:
        run("check('9.1', 5)")
    assert told.value.name == "right"


class Shy:
    def __repr__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (Shy(), "Your Shy"),
        ("SELECT " * 99, "Your str"),
        (pd.DataFrame({"a": [1]}), "Your DataFrame"),
        ("four", "'four'"),
    ],
)
def test_an_answer_is_shown_again_on_one_line(answer, shown, capsys):
    run("check('9.1', answer)", answer=answer, right=5)
    assert capsys.readouterr().out.startswith(f"✘ 9.1 {shown} is not it yet")


def test_the_answers_to_check_yourself_are_shown(capsys):
    exercises.solution("10")
    shown = capsys.readouterr().out.splitlines()
    assert [line[:3] for line in shown] == ["1. ", "2. ", "3. "]
    with pytest.raises(UnknownExercise, match="no chapter 77"):
        exercises.solution("77")
