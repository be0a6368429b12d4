"""Answers to exercises are checked kindly, and a missing table says which notebook makes it."""

import numpy as np
import pandas as pd
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from helpers import need_table
from helpers.checking import RunFirst, check

REFUSED = ClientError({"Error": {"Code": "InvalidRequestException", "Message": "line 1:7: no"}}, "StartQueryExecution")


def refuse(_):
    raise REFUSED


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(5, 5), (np.int64(5), 5), (0.0733, lambda price: abs(price - 0.07) < 0.005), ("ab", lambda text: len(text) == 2)],
)
def test_a_right_answer(answer, expected, capsys):
    check(answer, expected, right="Because.", hint="Look again.")
    assert capsys.readouterr().out == "✔ Because.\n"


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        (4, 5, "✘ 4 is not it yet. Look again.\n"),
        (None, 5, "✘ None is not it yet. Look again.\n"),
        ("0.07", lambda price: abs(price - 0.07) < 0.005, "✘ '0.07' is not it yet (TypeError: "),
        (None, lambda sql: sql.lower() == "select", "✘ None is not it yet (AttributeError: "),
        (pd.Series([1, 2], name="n"), 1, "is not it yet (ValueError: The truth value of a Series is ambiguous."),
        ("SELEC 1", refuse, "✘ 'SELEC 1' is not it yet (ClientError: An error occurred (InvalidRequestException)"),
    ],
)
def test_a_wrong_answer_of_any_kind_gets_the_hint(answer, expected, said, capsys):
    check(answer, expected, right="Because.", hint="Look again.")
    told = capsys.readouterr().out
    assert said in told
    assert told.endswith(" Look again.\n")


@pytest.mark.parametrize("error", [NameError("ask"), EndpointConnectionError(endpoint_url="http://127.0.0.1:1")])
def test_a_cell_that_was_not_run_and_a_lost_server_are_no_wrong_answer(error):
    def expected(_):
        raise error

    with pytest.raises(type(error)):
        check(1, expected, right="Because.", hint="Look again.")


def test_a_missing_table_says_which_notebook_to_run(cloud):
    with pytest.raises(RunFirst, match="The table plays is not there yet. Run 03_x.ipynb to its end first"):
        need_table("lake", "plays", "03_x.ipynb")
    glue = cloud("glue")
    glue.create_database(DatabaseInput={"Name": "lake"})
    with pytest.raises(RunFirst):
        need_table("lake", "plays", "03_x.ipynb")
    glue.create_table(DatabaseName="lake", TableInput={"Name": "plays"})
    need_table("lake", "plays", "03_x.ipynb")
