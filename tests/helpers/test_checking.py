"""A missing table says which notebook makes it."""

import pytest

from helpers import need_table
from helpers.checking import RunFirst


def test_a_missing_table_says_which_notebook_to_run(cloud):
    with pytest.raises(RunFirst, match="The table plays is not there yet. Run 03_x.ipynb to its end first"):
        need_table("lake", "plays", "03_x.ipynb")
    glue = cloud("glue")
    glue.create_database(DatabaseInput={"Name": "lake"})
    with pytest.raises(RunFirst):
        need_table("lake", "plays", "03_x.ipynb")
    glue.create_table(DatabaseName="lake", TableInput={"Name": "plays"})
    need_table("lake", "plays", "03_x.ipynb")
