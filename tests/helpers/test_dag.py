"""The picture of a visual job: a box a node, left to right, with the counts on the arrows."""

from __future__ import annotations

from matplotlib.patches import FancyArrowPatch

from helpers.dag import _places, draw_dag

NODES = {
    "events": {"S3CatalogSource": {"Name": "Events", "Database": "db", "Table": "raw"}},
    "tracks": {"S3JsonSource": {"Name": "Tracks", "Paths": ["s3://b/t/"]}},
    "numbers": {"ApplyMapping": {"Name": "Ids are numbers", "Inputs": ["tracks"], "Mapping": []}},
    "join": {"Join": {"Name": "Join", "Inputs": ["events", "numbers"], "JoinType": "equijoin", "Columns": []}},
    "lake": {"S3GlueParquetTarget": {"Name": "Lake", "Inputs": ["join"], "Path": "s3://b/o/"}},
}


def test_each_node_has_a_box_and_each_input_an_arrow() -> None:
    axes = draw_dag(NODES, "A join", {"events": 10_000, "numbers": 30}).axes[0]
    written = [text.get_text() for text in axes.texts]
    assert {"Events", "Tracks", "Ids are numbers", "Join", "Lake", "S3JsonSource"} <= set(written)
    assert [text for text in written if text[0].isdigit()] == ["10,000", "30"]
    assert sum(isinstance(patch, FancyArrowPatch) for patch in axes.patches) == 4
    assert axes.get_title(loc="left") + axes.get_title() == "A join"


def test_nodes_stand_right_of_their_inputs_and_never_on_each_other() -> None:
    places = _places({"a": [], "b": [], "c": ["b"], "d": ["a", "c"], "e": ["a"]})
    assert {name: x for name, (x, _) in places.items()} == {"a": 0, "b": 0, "c": 1, "e": 1, "d": 2}
    assert len(set(places.values())) == 5
