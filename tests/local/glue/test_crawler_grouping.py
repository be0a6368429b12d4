"""Which tables and partitions a folder layout gives. The layouts are those of AWS's documentation and of the workshop."""

from __future__ import annotations

import pytest

from infra.globs import glob_pattern
from infra.local.glue.crawler.content import Content
from infra.local.glue.crawler.grouping import (
    File,
    Group,
    is_hidden,
    partition_keys,
    partition_values,
    table_name,
    tables,
    unique_name,
)

RAW = Content(
    "json", schema={name: "string" for name in ("uuid", "device_ts", "device_id", "temp", "track_id", "type")}
)
TRACKS = Content("json", schema={name: "string" for name in ("track_id", "track_name", "artist_name")})
UNKNOWN = Content()


def schema(*names: str) -> Content:
    return Content("json", schema={name: "int" for name in names})


def group(
    layout: dict[str, Content], include: str = "", **options: object
) -> dict[str, tuple[list[str], list[list[str]]]]:
    """Return {location: (partition keys, partition values)}."""
    files = [File(key, 100, content) for key, content in sorted(layout.items())]
    return {each.location: described(each) for each in tables(files, include, **options)}  # type: ignore[arg-type]


def described(each: Group) -> tuple[list[str], list[list[str]]]:
    keys = partition_keys(each)
    return keys, [partition_values(leaf, keys) for leaf in each.leaves]


def test_only_raw_makes_one_table_of_the_include_path() -> None:
    layout = {f"data/raw/2022/11/24/{hour}/a": RAW for hour in ("05", "06")}
    keys = ["partition_0", "partition_1", "partition_2", "partition_3", "partition_4"]
    assert group(layout, "data/") == {
        "data/": (keys, [["raw", "2022", "11", "24", "05"], ["raw", "2022", "11", "24", "06"]])
    }


def test_raw_and_reference_data_make_two_tables() -> None:
    layout = {"data/raw/2022/11/24/05/a": RAW, "data/raw/2022/11/24/06/b": RAW, "data/reference_data/t.json": TRACKS}
    keys = ["partition_0", "partition_1", "partition_2", "partition_3"]
    assert group(layout, "data/") == {
        "data/raw/": (keys, [["2022", "11", "24", "05"], ["2022", "11", "24", "06"]]),
        "data/reference_data/": ([], [[]]),
    }


def test_documented_sales() -> None:
    layout = {f"sales/year=2019/month={month}/day={day}/f": RAW for month in ("Jan", "Feb") for day in (1, 2)}
    assert group(layout, "sales/") == {
        "sales/": (
            ["year", "month", "day"],
            [["2019", "Feb", "1"], ["2019", "Feb", "2"], ["2019", "Jan", "1"], ["2019", "Jan", "2"]],
        )
    }


def test_documented_similar_tables_become_partitions() -> None:
    layout = {
        f"folder1/{folder}/file.txt": RAW
        for folder in (
            "table1/partition1",
            "table1/partition2",
            "table1/partition3",
            "table2/partition4",
            "table2/partition5",
        )
    }
    found = group(layout, "folder1/")
    assert list(found) == ["folder1/"]
    keys, values = found["folder1/"]
    assert keys == ["partition_0", "partition_1"]
    assert values[0] == ["table1", "partition1"]
    assert values[-1] == ["table2", "partition5"]


def test_documented_grouping_policy() -> None:
    layout = {"table1/year=2017/data1.json": schema("a", "b"), "table1/year=2018/data2.json": schema("c", "d")}
    assert list(group(layout, "table1/")) == ["table1/year=2017/", "table1/year=2018/"]
    assert [table_name(location, "b") for location in group(layout, "table1/")] == ["year_2017", "year_2018"]
    assert group(layout, "table1/", combine=True) == {"table1/": (["year"], [["2017"], ["2018"]])}


def test_combine_still_separates_formats() -> None:
    layout = {"t/a/1": schema("a"), "t/b/2": Content("csv", schema={"a": "int"})}
    assert sorted(group(layout, "t/", combine=True)) == ["t/", "t/b/"]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (2, {"data/": ["partition_0", "partition_1"]}),
        (3, {"data/raw/": ["partition_0"], "data/more/": ["partition_0"]}),
        (4, {"data/raw/2021/": [], "data/raw/2022/": [], "data/more/2022/": []}),
    ],
)
def test_table_level_counts_from_the_bucket(level: int, expected: dict[str, list[str]]) -> None:
    layout = {"data/raw/2021/a": RAW, "data/raw/2022/b": RAW, "data/more/2022/c": RAW}
    assert {location: keys for location, (keys, _) in group(layout, "data/", level=level).items()} == expected


def test_majority_makes_the_table_and_the_odd_one_its_own() -> None:
    layout = {f"t/day{day}/f": RAW for day in range(8)} | {"t/odd/f": TRACKS}
    found = group(layout, "t/")
    assert sorted(found) == ["t/", "t/odd/"]
    assert len(found["t/"][1]) == 8


def test_different_depths_are_different_tables() -> None:
    layout = {"t/a/2022/f": RAW, "t/b/f": RAW}
    assert sorted(group(layout, "t/")) == ["t/a/", "t/b/"]


def test_files_that_differ_are_tables_of_their_own() -> None:
    layout = {"t/raw.json": RAW, "t/tracks.json": TRACKS}
    assert list(group(layout, "t/")) == ["t/raw.json", "t/tracks.json"]
    assert table_name("t/tracks.json", "b") == "tracks_json"


def test_files_beside_folders() -> None:
    assert sorted(group({"t/readme.json": TRACKS, "t/raw/f": RAW}, "t/")) == ["t/raw/", "t/readme.json"]


def test_unknown_file_among_known_ones_is_passed_over() -> None:
    assert group({"t/a.json": RAW, "t/b.jpg": UNKNOWN}, "t/") == {"t/": ([], [[]])}


def test_odd_file_deep_down_does_not_split_the_table() -> None:
    layout = {f"raw/2022/{hour}/{number}": RAW for hour in ("05", "06") for number in range(5)}
    found = group(layout | {"raw/2022/05/x": TRACKS}, "raw/")
    assert sorted(found) == ["raw/", "raw/2022/05/x"]
    assert found["raw/"] == (["partition_0", "partition_1"], [["2022", "05"], ["2022", "06"]])


def test_include_path_of_one_file_and_of_the_bucket() -> None:
    assert list(group({"a/t.json": RAW}, "a/t.json")) == ["a/t.json"]
    assert list(group({"x/f": RAW, "y/f": RAW}, "")) == [""]
    assert table_name("", "My-Bucket") == "my_bucket"


@pytest.mark.parametrize(
    ("location", "prefix", "expected"),
    [
        ("data/processed-data/", "", "processed_data"),
        ("data/year=2017/", "", "year_2017"),
        ("data/Raw/", "WS_", "ws_raw"),
        (f"{'x' * 200}/", "", "x" * 128),
    ],
)
def test_names(location: str, prefix: str, expected: str) -> None:
    assert table_name(location, "bucket", prefix) == expected


def test_name_that_is_taken_gets_a_hash() -> None:
    assert unique_name("raw", "s3://b/one/raw/") == "raw_efb783d3e0dd1a5727fa995749be450c"
    assert len(unique_name("x" * 128, "s3://b/")) == 128


def test_hive_names_only_when_all_folders_have_the_key() -> None:
    found = group({"t/year=2021/f": RAW, "t/2022/f": RAW}, "t/")
    assert found["t/"] == (["partition_0"], [["2022"], ["year=2021"]])
    assert group({"t/Day=a%20b/f": RAW}, "t/")["t/"] == (["day"], [["a b"]])


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("*.csv", "a.csv", True),
        ("*.csv", "dir/a.csv", False),
        ("**.csv", "dir/a.csv", True),
        ("dir/**", "dir/sub/a.csv", True),
        ("*/a.csv", "dir/a.csv", True),
        ("*/a.csv", "dir/sub/a.csv", False),
        ("?.csv", "a.csv", True),
        ("?.csv", "ab.csv", False),
        ("[a-c].csv", "b.csv", True),
        ("[!a-c].csv", "b.csv", False),
        ("*.{csv,avro}", "x.avro", True),
        ("*.{csv,avro}", "x.json", False),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        ("2022/0[2-3]/**", "2022/02/x/y", True),
        ("a,b", "a,b", True),
        ("a[[]1].csv", "a[1].csv", True),
        ("a[[]1].csv", "ab1].csv", False),
        ("[^&&a]", "^", True),
    ],
)
def test_exclude_patterns(glob: str, path: str, expected: bool) -> None:
    assert bool(glob_pattern(glob).fullmatch(path)) is expected


@pytest.mark.parametrize("glob", ["a[b", "a{b"])
def test_bad_exclude_pattern(glob: str) -> None:
    with pytest.raises(ValueError):
        glob_pattern(glob)


def test_hidden_files() -> None:
    assert is_hidden("_temporary/0/part")
    assert is_hidden("a/.part.crc")
    assert not is_hidden("a_b/c.d")
