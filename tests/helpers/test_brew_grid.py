"""The grid of a DataBrew project on a real session: pages, the recipe's slider, and the static table for headless runs."""

import json

import pytest

from helpers.brew_grid import Grid, describe, recipe_html, table_html
from tests.local.databrew.brew_lab import JOIN, UPPER, BrewLab


@pytest.fixture
def lab(client):
    return BrewLab(client)


def test_pages_are_turned(lab):
    lab.put("many/part.json", "\n".join(json.dumps({"n": n, "s": "<b>"}) for n in range(20)))
    lab.new_table("many", "many/", {"n": "int", "s": "string"})
    lab.new_table_dataset("many", "many")
    session = lab.open_project("p", dataset="many")
    grid = Grid(lab.brew, "p", session)
    assert "Rows 1 to 8 of 20" in grid.table.value
    assert grid.back.disabled and not grid.on.disabled
    grid.on.click()
    grid.on.click()
    assert "Rows 17 to 20 of 20" in grid.table.value
    assert grid.on.disabled
    grid.back.click()
    assert "Rows 9 to 16 of 20" in grid.table.value
    assert "&lt;b&gt;" in grid.table.value and "<b>s" not in grid.table.value


def test_the_slider_goes_back_in_the_recipe(lab):
    session = lab.open_project("p", JOIN, UPPER)
    grid = Grid(lab.brew, "p", session, hidden=("moved",))
    assert "track_name" in grid.table.value and "moved" not in grid.table.value
    assert "INNER_JOIN with reference-data-dataset" in grid.recipe.value
    grid.step.value = 0
    assert "track_name" not in grid.table.value
    assert len(lab.brew.describe_recipe(Name="p-recipe", RecipeVersion="LATEST_WORKING")["Steps"]) == 2


def test_a_lost_session_is_one_sentence(lab):
    session = lab.open_project("p")
    grid = Grid(lab.brew, "p", session)
    lab.open_session("p", AssumeControl=True)
    grid.step.value = 1
    grid._show()
    assert "took control" in grid.error.value


def test_headless_it_is_a_table(lab):
    session = lab.open_project("p")
    bundle = Grid(lab.brew, "p", session)._repr_mimebundle_()
    assert "<caption" in bundle["text/html"] and "No step yet" in bundle["text/html"]
    assert bundle["text/plain"].startswith("The grid of the project p")


def test_headers_say_what_they_draw():
    statistics = {
        "valid": 3,
        "missing": 1,
        "distinct": 2,
        "topValues": [{"value": "a", "count": 2}, {"value": "b", "count": 1}],
    }
    column = {"name": "c", "type": "string", "statistics": statistics}
    html = table_html(
        {"columns": [column], "rows": [["a"], [None]], "rowCount": 4, "columnCount": 1, "startRowIndex": 0}
    )
    assert "75 % present, 1 missing, 2 distinct" in html
    assert "Distribution: a: 2, b: 1" in html
    assert "<i>missing</i>" in html
    assert "<svg" not in html and "data:image/svg+xml;base64," in html


def test_steps_in_words():
    rename = {"Action": {"Operation": "RENAME", "Parameters": {"sourceColumn": "a", "targetColumn": "b"}}}
    assert describe(rename) == "RENAME: a to b"
    assert describe({"Action": {"Operation": "DELETE_DUPLICATE_ROWS"}}) == "DELETE_DUPLICATE_ROWS"
    assert "(1 step)" in recipe_html([rename], 1)
