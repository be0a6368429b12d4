"""The functions that learners deploy in chapter 08, as plain Python; the cloud is tried by the notebook itself."""

import base64
import json

import pytest

from infra.apps import count_plays, top_songs_original


@pytest.fixture(scope="module")
def top_songs():
    """Imported with a region, as Lambda gives one: the client is made at import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        from infra.apps import top_songs

        yield top_songs


class Athena:
    """Queries that go through the given states; the last one stays."""

    def __init__(self, *states):
        self.states, self.stopped = list(states), False

    def get_query_execution(self, QueryExecutionId):
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"QueryExecution": {"Status": {"State": state, "StateChangeReason": "why"}}}

    def stop_query_execution(self, QueryExecutionId):
        self.stopped = True


def test_the_original_has_its_faults():
    slept = []
    with pytest.raises(TimeoutError, match="TIME OVER"):
        top_songs_original.wait(Athena("RUNNING"), "q", slept.append)
    assert sum(slept) == 45
    with pytest.raises(TimeoutError):
        top_songs_original.wait(Athena("CANCELLED"), "q", lambda seconds: None)
    assert "track_name" not in top_songs_original.QUERY.partition("ORDER BY")[2]


def test_the_mended_one_has_not(top_songs):
    slept = []
    top_songs.wait(Athena("QUEUED", "RUNNING", "SUCCEEDED"), "q", lambda: 9000, slept.append)
    assert slept == [0.05, 0.1]
    for state in ("FAILED", "CANCELLED"):
        with pytest.raises(top_songs.QueryEnded, match=f"{state}: why"):
            top_songs.wait(Athena("RUNNING", state), "q", lambda: 9000, slept.append)
    athena, left = Athena("RUNNING"), iter([9000, 5000, 1400])
    with pytest.raises(top_songs.QueryEnded, match="longer than this function may run"):
        top_songs.wait(athena, "q", lambda: next(left), slept.append)
    assert athena.stopped
    assert "ORDER BY hits DESC, track_name, artist_name" in top_songs.QUERY


def batch(*texts, **more):
    records = [
        {
            "kinesis": {
                "sequenceNumber": str(number),
                "data": base64.b64encode(text.encode()).decode(),
                "approximateArrivalTimestamp": 0.0,
            }
        }
        for number, text in enumerate(texts)
    ]
    return {"Records": records, **more}


PLAY = '{"activity_type": "Running"}'


def test_plays_are_counted_and_a_bad_record_ends_the_batch(monkeypatch, capsys):
    assert count_plays.handler(batch(PLAY, PLAY), None) == {"batchItemFailures": []}
    assert json.loads(capsys.readouterr().out)["counted"] == 2
    for bad in ("not JSON", "[]", "{}"):
        with pytest.raises((ValueError, KeyError, TypeError)):
            count_plays.handler(batch(PLAY, bad), None)
    monkeypatch.setenv("REPORT_FAILURES", "yes")
    assert count_plays.handler(batch(PLAY, "bad", PLAY), None) == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_a_window_keeps_its_count(capsys):
    window = {"start": "2026-01-05T12:00:00Z", "end": "2026-01-05T12:00:05Z"}
    state = {}
    for final, texts in ((False, [PLAY] * 3), (False, [PLAY]), (True, [])):
        event = batch(*texts, window=window, state=state, isFinalInvokeForWindow=final)
        state = count_plays.handler(event, None)["state"]
    assert state == {"plays": 4}
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["final"] is True
