"""The reference data has the shape that the chapters count on."""

import json
from collections import Counter

import pytest

from infra import project

DATA = project.ROOT / "data"


def rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(("name", "kind"), [("tracks_list.json", int), ("tracks_list_string.json", str)])
def test_tracks(name, kind):
    tracks = rows(name)
    assert [track["track_id"] for track in tracks] == [kind(number) for number in range(1, 101)]
    assert all(list(track) == ["track_id", "track_name", "artist_name"] for track in tracks)
    assert len({track["track_name"] for track in tracks}) == 100
    assert len({track["artist_name"] for track in tracks}) == 89


def test_both_variants_hold_the_same_tracks():
    as_int = [{**track, "track_id": str(track["track_id"])} for track in rows("tracks_list.json")]
    assert as_int == rows("tracks_list_string.json")


def test_one_artist_has_two_of_the_thirty_tracks_that_are_played():
    artists = Counter(track["artist_name"] for track in rows("tracks_list.json")[:30])
    assert {artist: count for artist, count in artists.items() if count > 1} == {"Paper Lighthouse": 2}


def test_the_seed_template_is_verbatim():
    lines = (DATA / "record_template.txt").read_text(encoding="utf-8").splitlines()
    assert lines[2] == '    "device_ts": "{{date.utc("YYYY-MM-DD HH:mm:ss.SSS")}}",'
    assert lines[7] == '    "track_id": {{random.number(30)}},  '  # the two blanks at its end are the seed's
