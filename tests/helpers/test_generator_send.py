"""Sending: batches, limits, what is sent again, rates, stopping. botocore's Stubber plays the answers of AWS."""

import gzip
import time
from datetime import datetime
from itertools import islice
from random import Random

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from helpers.generator import Clock, Constant, Generator, Periodic, sending
from tests.conftest import Server
from tests.polling import until

NUMBERED = '{{date.utc("x")}}'  # with COUNTING, record n is the text of n


def counting() -> Clock:
    return Clock("1970-01-01T00:00:00Z", step=0.001)


def create_stream(client, shards: int) -> None:
    client.create_stream(StreamName="s", ShardCount=shards)
    client.get_waiter("stream_exists").wait(StreamName="s", WaiterConfig={"Delay": 1})


def client_of(service: str):
    return boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


class Answers:
    """A stubbed client that keeps what it was asked."""

    def __init__(self, service: str) -> None:
        self.client = client_of(service)
        self.operation = "put_records" if service == "kinesis" else "put_record_batch"
        self.calls: list[dict] = []
        name = "PutRecords" if service == "kinesis" else "PutRecordBatch"
        self.client.meta.events.register(f"provide-client-params.{service}.{name}", self._keep)
        self._stub = Stubber(self.client)
        self._stub.activate()

    def _keep(self, params: dict, **_: object) -> None:
        self.calls.append(params)

    def add(self, count: int, refused: dict[int, str] | None = None) -> None:
        """An answer to `count` records that refuses those at the given places with the given codes."""
        refused = refused or {}
        if self.operation == "put_records":
            accepted = {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}
            names = "Records", "FailedRecordCount"
        else:
            accepted = {"RecordId": "1"}
            names = "RequestResponses", "FailedPutCount"
        results = [
            {"ErrorCode": refused[place], "ErrorMessage": "slow down"} if place in refused else accepted
            for place in range(count)
        ]
        answer = {names[0]: results, names[1]: len(refused)}
        if not refused and self.operation == "put_records":
            del answer["FailedRecordCount"]  # AWS sends 0, which its own service model calls invalid
        self._stub.add_response(self.operation, answer)

    def add_error(self, code: str) -> None:
        self._stub.add_client_error(self.operation, code, "no")

    def sent(self) -> list[list[str]]:
        """The records of each call, without line ends."""
        return [[entry["Data"].decode().rstrip("\n") for entry in call["Records"]] for call in self.calls]


@pytest.fixture
def kinesis() -> Answers:
    return Answers("kinesis")


@pytest.fixture
def firehose() -> Answers:
    return Answers("firehose")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The longest time that each wait could have taken; none is waited."""
    longest: list[float] = []

    def uniform(low: float, high: float) -> float:
        assert low == 0
        longest.append(high)
        return 0.0

    monkeypatch.setattr(sending, "uniform", uniform)
    return longest


# ---- batches


def test_batches_of_500_in_order_with_line_ends(kinesis):
    for count in (500, 500, 200):
        kinesis.add(count)
    sent = Generator(NUMBERED, clock=counting()).send(stream_name="s", records=1200, client=kinesis.client)
    assert [len(call) for call in kinesis.sent()] == [500, 500, 200]
    assert [record for call in kinesis.sent() for record in call] == [str(number) for number in range(1200)]
    assert all(entry["Data"].endswith(b"\n") for call in kinesis.calls for entry in call["Records"])
    assert all(call["StreamName"] == "s" for call in kinesis.calls)
    assert (sent.sent, sent.failed, sent.retried, sent.finished) == (1200, 0, 0, True)
    assert sent.bytes == 10 * 2 + 90 * 3 + 900 * 4 + 200 * 5
    assert sent.shards == {"shardId-000000000000": 1200}
    assert repr(sent) == "1,200 records (4,890 bytes) sent · 0 failed · 0 retried"


def test_partition_keys_are_seeded_numbers_below_ten_to_the_tenth():
    def keys(seed: int) -> list[str]:
        answers = Answers("kinesis")
        answers.add(300)
        Generator(NUMBERED, seed=seed).send(stream_name="s", records=300, client=answers.client)
        return [entry["PartitionKey"] for entry in answers.calls[0]["Records"]]

    drawn = keys(1)
    assert drawn == keys(1) != keys(2)
    assert all(key.isdecimal() and str(int(key)) == key and int(key) < 10**10 for key in drawn)
    assert sum(int(key) for key in drawn) / 300 == pytest.approx(5e9, rel=0.1)


def test_firehose_records_have_no_partition_key(firehose):
    firehose.add(2)
    sent = Generator(NUMBERED, clock=counting()).send(delivery_stream_name="d", records=2, client=firehose.client)
    assert firehose.calls == [{"DeliveryStreamName": "d", "Records": [{"Data": b"0\n"}, {"Data": b"1\n"}]}]
    assert (sent.sent, sent.shards) == (2, {})


@pytest.mark.parametrize(
    ("service", "target", "counts"),
    [
        ("firehose", "delivery_stream_name", [41, 41, 18]),  # 4 MiB / 100,000 bytes = 41.9
        ("kinesis", "stream_name", [104, 16]),  # 10 MiB / (100,000 bytes + key of up to 10 digits) = 104.8
    ],
)
def test_batches_keep_to_the_bytes_of_a_call(service, target, counts):
    answers = Answers(service)
    for count in counts:
        answers.add(count)
    Generator("x" * 99_999).send(**{target: "s"}, records=sum(counts), client=answers.client)
    assert [len(call) for call in answers.sent()] == counts


def test_compressed_records_are_single_gzip_members_without_line_end(kinesis):
    kinesis.add(2)
    Generator(NUMBERED, clock=counting()).send(stream_name="s", records=2, client=kinesis.client, compress=True)
    assert [gzip.decompress(entry["Data"]) for entry in kinesis.calls[0]["Records"]] == [b"0", b"1"]


# ---- refused records


def test_only_refused_records_are_sent_again_in_order(kinesis, waits):
    kinesis.add(5, {1: "ProvisionedThroughputExceededException", 3: "InternalFailure"})
    kinesis.add(2, {1: "ProvisionedThroughputExceededException"})
    kinesis.add(1)
    sent = Generator(NUMBERED, clock=counting()).send(stream_name="s", records=5, client=kinesis.client)
    assert kinesis.sent() == [["0", "1", "2", "3", "4"], ["1", "3"], ["3"]]
    assert (sent.sent, sent.failed, sent.retried) == (5, 0, 3)
    assert sent.refused == {"ProvisionedThroughputExceededException": 2, "InternalFailure": 1}
    assert repr(sent).endswith("3 retried · refused: 2 × ProvisionedThroughputExceededException, 1 × InternalFailure")
    assert waits == [0.1, 0.2]


def test_a_record_keeps_its_partition_key_when_sent_again(kinesis, waits):
    kinesis.add(2, {1: "InternalFailure"})
    kinesis.add(1)
    Generator(NUMBERED, clock=counting()).send(stream_name="s", records=2, client=kinesis.client)
    assert kinesis.calls[1]["Records"] == [kinesis.calls[0]["Records"][1]]


def test_refused_firehose_records_are_sent_again(firehose, waits):
    firehose.add(3, {0: "ServiceUnavailableException"})
    firehose.add(1)
    sent = Generator(NUMBERED, clock=counting()).send(delivery_stream_name="d", records=3, client=firehose.client)
    assert firehose.sent() == [["0", "1", "2"], ["0"]]
    assert (sent.sent, sent.failed, sent.retried) == (3, 0, 1)


def test_records_are_given_up_and_counted_after_ten_more_tries(kinesis, waits):
    kinesis.add(3, {2: "InternalFailure"})
    for _ in range(10):
        kinesis.add(1, {0: "InternalFailure"})
    sent = Generator(NUMBERED).send(stream_name="s", records=3, client=kinesis.client)
    assert len(kinesis.calls) == 11
    assert (sent.sent, sent.failed, sent.retried, sent.refused["InternalFailure"]) == (2, 1, 10, 11)
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0, 5.0]


def test_a_throttled_call_is_sent_again_as_a_whole(firehose, waits):
    firehose.add_error("ServiceUnavailableException")
    firehose.add(2)
    sent = Generator(NUMBERED).send(delivery_stream_name="d", records=2, client=firehose.client)
    assert (sent.sent, sent.failed, sent.retried) == (2, 0, 2)


def test_another_error_is_raised_as_aws_gives_it(client):
    generator = Generator(NUMBERED)
    with pytest.raises(ClientError) as error:
        generator.send(stream_name="nowhere", records=1, client=client("kinesis"))
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert not generator.running
    assert generator.sent.sent == 0


def test_what_is_counted_is_in_the_stream(client):
    client = client("kinesis")
    create_stream(client, 2)
    sent = Generator(NUMBERED, seed=1, clock=counting()).send(stream_name="s", records=1000, client=client)
    stored = {}
    for shard in client.list_shards(StreamName="s")["Shards"]:
        iterator = client.get_shard_iterator(StreamName="s", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
        records = client.get_records(ShardIterator=iterator["ShardIterator"], Limit=10_000)["Records"]
        stored[shard["ShardId"]] = [int(record["Data"]) for record in records]
    assert {shard: len(numbers) for shard, numbers in stored.items()} == sent.shards
    assert sorted(number for numbers in stored.values() for number in numbers) == list(range(1000))
    assert all(numbers == sorted(numbers) for numbers in stored.values())


def test_a_full_shard_of_the_local_aws_is_waited_for(tmp_path, account):
    """1 MiB a second and shard, as on AWS: what is over it is refused, here of every call, and sent again until it is in."""
    server = Server(tmp_path / "workshop", shard_limits=True)
    try:
        client = server.client("kinesis", account)
        client.create_stream(StreamName="s", ShardCount=1)
        client.get_waiter("stream_exists").wait(StreamName="s", WaiterConfig={"Delay": 1})
        padded = NUMBERED + " " + "x" * 4_000  # 500 records, as the generator sends at once, are 2 MB
        sent = Generator(padded, seed=1, clock=counting()).send(stream_name="s", records=700, client=client)
        assert (sent.sent, sent.failed) == (700, 0)
        assert sent.retried == sent.refused["ProvisionedThroughputExceededException"] > 0
        shard = client.list_shards(StreamName="s")["Shards"][0]["ShardId"]
        iterator = client.get_shard_iterator(StreamName="s", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        records = client.get_records(ShardIterator=iterator["ShardIterator"], Limit=10_000)["Records"]
        assert sorted(int(record["Data"].split()[0]) for record in records) == list(range(700))
    finally:
        server.stop()


# ---- rates


def ticks(rate: Constant | Periodic, count: int, strict: bool = False) -> list[tuple]:
    return [tuple(tick) for tick in islice(rate.ticks(Random(1), strict), count)]


def test_constant_is_so_many_at_every_second():
    assert ticks(Constant(100), 3) == [(0, 100, None), (1, 100, None), (2, 100, None)]


def test_a_rate_is_kept_and_ends_with_the_seconds(kinesis):
    kinesis.add(3)
    kinesis.add(3)
    started = time.monotonic()
    sent = Generator(NUMBERED).send(stream_name="s", rate=Constant(3), seconds=2, client=kinesis.client)
    assert sent.sent == 6
    assert 1.0 <= time.monotonic() - started < 2.0


def test_records_end_a_rate_too(kinesis):
    kinesis.add(3)
    sent = Generator(NUMBERED).send(stream_name="s", rate=Constant(5), records=3, seconds=9, client=kinesis.client)
    assert sent.sent == 3


def test_seconds_without_a_rate(stream):
    client = stream
    started = time.monotonic()
    sent = Generator(NUMBERED).send(stream_name="s", seconds=0.3, client=client)
    assert sent.sent > 0 and sent.sent % 500 == 0
    assert 0.3 <= time.monotonic() - started < 20


@pytest.mark.parametrize("rate", [0, -1, 2.5, "100", True])
def test_a_constant_rate_is_a_whole_number(rate):
    with pytest.raises(ValueError, match="whole number of records a second"):
        Constant(rate)


def table(change: dict[tuple[int, int], float]) -> list[list[float]]:
    """100 in each hour of the week but for some; day 0 is Sunday."""
    return [[change.get((day, hour), 100) for hour in range(24)] for day in range(7)]


@pytest.mark.parametrize(
    ("moment", "strict", "mu"),
    [
        ("2026-01-06T10:00:00", False, 200),  # a Tuesday
        ("2026-01-06T10:30:00", False, 150),  # half way to 11:00's 100
        ("2026-01-06T09:15:00", False, 125),  # a quarter of the way from 100 to 200
        ("2026-01-10T23:30:00", False, 70),  # Saturday 23:00 (100) to Sunday 0:00 (40)
        ("2026-01-06T22:30:00", False, 100),
        ("2026-01-06T22:30:00", True, 70),  # KDG's slip: Sunday 0:00 follows 22:00 …
        ("2026-01-06T23:30:00", True, 70),  # … and 23:00 of every day
        ("2026-01-06T21:30:00", True, 100),
    ],
)
def test_periodic_smoothing(moment, strict, mu):
    rate = Periodic(mu=table({(2, 10): 200, (0, 0): 40}), sigma=0, smoothing=True)
    assert rate.parameters(datetime.fromisoformat(moment), strict) == (mu, 0)


def test_periodic_without_smoothing_keeps_the_hour_s_values():
    rate = Periodic(mu=table({(2, 10): 200}), sigma=table({(2, 10): 5}))
    assert rate.parameters(datetime(2026, 1, 6, 10, 59)) == (200, 5)


def test_periodic_counts_follow_the_normal_distribution():
    counts = [count for _, count, _ in ticks(Periodic(mu=100, sigma=10), 4000)]
    mean = sum(counts) / 4000
    assert mean == pytest.approx(100.5, abs=0.7)  # a count is rounded up
    assert (sum((count - mean) ** 2 for count in counts) / 4000) ** 0.5 == pytest.approx(10, abs=0.5)
    assert ticks(Periodic(mu=0, sigma=0), 2) == [(0, 0, None), (1, 0, None)]


def test_periodic_plays_a_stretch_of_time():
    rate = Periodic(
        mu=table({(0, 0): 7}),
        sigma=0,
        start="2026-01-10T23:59:58+00:00",
        end="2026-01-11T00:00:01+00:00",
        seconds_per_tick=2,
        tick_wait=0.5,
    )
    first = 1768089598000  # 2026-01-10T23:59:58Z
    assert ticks(rate, 9) == [
        (0.0, 100, first),
        (0.0, 100, first + 1000),
        (0.5, 7, first + 2000),
        (0.5, 7, first + 3000),
    ]


def test_sim_time_is_the_played_second(kinesis):
    kinesis.add(2)
    kinesis.add(2)
    rate = Periodic(mu=2, sigma=0, start="2026-01-11T00:00:00+00:00", end="2026-01-11T00:00:01+00:00")
    Generator("{{date.simTime(x)}}").send(stream_name="s", rate=rate, client=kinesis.client)
    assert kinesis.sent() == [["1768089600000"] * 2, ["1768089601000"] * 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mu": [[1] * 24] * 6}, "7 lists"),
        ({"sigma": [[1] * 23] * 7}, "7 lists"),
        ({"mu": -1}, "mu has a negative value"),
        ({"start": "2026-01-01"}, "start and end go together"),
        ({"seconds_per_tick": 0}, "seconds_per_tick must be 1 or more"),
    ],
)
def test_periodic_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Periodic(**arguments)


# ---- in the background


@pytest.fixture
def stream(client):
    """A client with a stream "s"."""
    kinesis = client("kinesis")
    create_stream(kinesis, 1)
    return kinesis


def test_start_sends_until_stop(stream):
    generator = Generator(NUMBERED)
    generator.start(stream_name="s", rate=Constant(20), client=stream)
    until(lambda: generator.sent.sent >= 20)
    assert generator.running
    with pytest.raises(RuntimeError, match="still sending"):
        generator.send(stream_name="s", records=1, client=stream)
    sent = generator.stop()
    assert not generator.running
    assert sent.finished and sent.sent % 20 == 0 and sent.failed == 0
    assert generator.send(stream_name="s", records=5, client=stream).sent == 5


def test_a_cell_that_is_run_twice_leaves_one_generator_sending(stream, capsys):
    first, second = Generator(NUMBERED), Generator(NUMBERED)
    first.start(stream_name="s", rate=Constant(5), client=stream)
    second.start(stream_name="s", rate=Constant(5), client=stream)
    assert (first.running, second.running) == (False, True)
    assert capsys.readouterr().out == "Another generator was still sending to s. It is stopped.\n"
    second.stop()
    second.start(stream_name="s", records=5, client=stream)
    assert second.wait().sent == 5
    assert capsys.readouterr().out == ""


def test_stop_ends_a_long_wait_at_once(kinesis, monkeypatch):
    monkeypatch.setattr(sending, "uniform", lambda low, high: 60.0)
    kinesis.add(2, {0: "InternalFailure"})
    generator = Generator(NUMBERED)
    generator.start(stream_name="s", records=2, client=kinesis.client)
    until(lambda: generator.sent.refused["InternalFailure"] == 1)
    started = time.monotonic()
    sent = generator.stop()
    assert time.monotonic() - started < 30
    assert (sent.sent, sent.failed, sent.retried) == (1, 1, 0)


def test_wait_returns_when_all_is_sent(stream):
    seen = []
    generator = Generator(NUMBERED)
    generator.start(stream_name="s", records=700, client=stream, listener=lambda sent: seen.append(sent.finished))
    assert generator.wait().sent == 700
    assert seen[-1] is True and seen.count(True) == 1


def test_the_error_of_the_background_is_raised_by_stop(client):
    generator = Generator(NUMBERED)
    generator.start(stream_name="nowhere", records=5, client=client("kinesis"))
    until(lambda: not generator.running)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        generator.stop()
    assert generator.stop().sent == 0  # raised once


def test_stop_without_a_start_is_harmless():
    assert Generator(NUMBERED).stop().sent == 0


# ---- arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"records": 1}, "Say where to send"),
        ({"stream_name": "s", "delivery_stream_name": "d", "records": 1}, "one of the two"),
        ({"stream_name": "s"}, "Say when to end"),
        ({"stream_name": "s", "records": 0}, "records is 0; it must be a whole number, 1 or more"),
        ({"stream_name": "s", "records": "10"}, "records is '10'; it must be a whole number"),
        ({"stream_name": "s", "seconds": -1}, "seconds is -1; it must be a number greater than 0"),
        (
            {"stream_name": "s", "records": 1, "rate": 100},
            r"rate is 100; it must be a rate, for example Constant\(100\)",
        ),
        ({"delivery_stream_name": "d", "records": 1}, "The client is for kinesis, it must be for firehose"),
    ],
)
def test_contradicting_arguments_are_refused(kinesis, arguments, message):
    with pytest.raises(ValueError, match=message):
        Generator(NUMBERED).send(client=kinesis.client, **arguments)
    assert kinesis.calls == []


def test_two_clocks_are_refused(kinesis):
    rate = Periodic(start="2026-01-01", end="2026-01-02")
    with pytest.raises(ValueError, match="Leave one of them out"):
        Generator(NUMBERED, clock=counting()).send(stream_name="s", rate=rate, client=kinesis.client)
