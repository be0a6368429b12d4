"""The generator itself: records of one template, sent now or in the background."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import boto3

from helpers import money
from helpers.generator.clock import Clock, WallClock
from helpers.generator.faker import Faker
from helpers.generator.progress_bar import progress_bar
from helpers.generator.rates import Constant, Periodic
from helpers.generator.sending import Listener, Sender, Sent, ticks_of
from helpers.generator.template import Template
from infra.teaching.prices import usd

HOUR_SECONDS = 3600
USUAL_RATE = 1000  # records a second, where no rate says it: what a shard takes
BILLED_BYTES = 5000  # of a record, at least, by Firehose

# The last generator started in the background for each stream, by (endpoint, name).
_in_background: dict[tuple[str, str], Generator] = {}


class Generator:
    """Makes records from a template and sends them.

    Parameters
    ----------
    template: text in KDG's language, or the Path of a file with it
    seed: the same seed gives the same records, partition keys and Periodic counts; None gives others each time
    clock: event time for the date helpers; None is the real time
    strict: do exactly what KDG does, its odd results and error messages included. Else (helpful) the same records, but what KDG turns into an
        error, `NaN`, `undefined` or `[object Object]` is refused at once, with the place and what to type
    locale: "en"; KDG's other languages are not here

    Raises TemplateError if the template cannot be used, ValueError for another locale, TypeError for a template that is no text.
    """

    def __init__(
        self,
        template: str | Path,
        seed: int | str | None = None,
        clock: Clock | None = None,
        strict: bool = False,
        locale: str = "en",
    ) -> None:
        if locale != "en":
            raise ValueError(f"The locale {locale!r} is not available: the words here are English. Use locale='en'.")
        if not isinstance(template, str | Path):
            raise TypeError(f"The template is a text or a Path, not {type(template).__name__}.")
        text = template.read_text(encoding="utf-8") if isinstance(template, Path) else template
        self._strict = strict
        self._clock = clock or WallClock()
        self._template = Template(text, Faker(_random(seed, "records"), self._clock), strict)
        self._keys = _random(seed, "partition keys")
        self._counts = _random(seed, "counts")
        self._sender: Sender | None = None
        self._thread: threading.Thread | None = None

    def records(self, count: int) -> list[str]:
        """Make the next `count` records, without line ends. Nothing is sent."""
        record = self._template.record
        return [record() for _ in range(count)]

    def send(
        self,
        *,
        stream_name: str | None = None,
        delivery_stream_name: str | None = None,
        records: int | None = None,
        seconds: float | None = None,
        rate: Constant | Periodic | None = None,
        client: Any = None,
        compress: bool = False,
        progress: bool = True,
    ) -> Sent:
        """Send records and wait until each is accepted, or given up after ten more tries.

        Parameters
        ----------
        stream_name, delivery_stream_name: the Kinesis data stream, or the Firehose stream (one of them)
        records, seconds: when to end; with both, what comes first. With a rate, so many seconds of it are sent
        rate: None is as fast as the records are accepted
        client: boto3 client for "kinesis" or "firehose"; None makes one from the current profile
        compress: gzip each record by itself; else each record ends with a line end
        progress: show a bar while sending, in a notebook

        Returns the counts. Records keep their order, but for a refused one, which comes after those accepted meanwhile, as on AWS.
        Raises ValueError for arguments that contradict each other, RuntimeError while `start()` is still sending, and botocore's errors
        (e.g. ResourceNotFoundException), except for throttling, which is waited for.
        """
        played = isinstance(rate, Periodic) and rate.end is not None
        if records is None and seconds is None and not played:
            raise ValueError("Say when to end: records=… or seconds=… (start() sends until stop()).")

        def bar() -> Listener:
            amount = f"{records:,} records" if records is not None else "records"
            return progress_bar(f"Sending {amount} to {stream_name or delivery_stream_name}", records)

        sender = self._prepare(
            stream_name, delivery_stream_name, records, seconds, rate, client, compress, bar if progress else None
        )
        sender.run()
        return sender.sent

    def start(
        self,
        *,
        stream_name: str | None = None,
        delivery_stream_name: str | None = None,
        records: int | None = None,
        seconds: float | None = None,
        rate: Constant | Periodic | None = None,
        client: Any = None,
        compress: bool = False,
        listener: Listener | None = None,
    ) -> None:
        """Send in the background, until `stop()` or until `records` or `seconds` are reached.

        Parameters as `send`'s, and
        listener: called with the counts a few times a second, and once when finished

        The counts so far are in `sent`. An error is raised by `stop()` or `wait()`. If another generator of this notebook still sends to
        the same stream (a cell was run twice), that one is stopped, and a line says so.
        """
        sender = self._prepare(
            stream_name, delivery_stream_name, records, seconds, rate, client, compress, listener and (lambda: listener)
        )
        name = stream_name or delivery_stream_name or ""
        earlier = _in_background.get((sender.endpoint, name))
        if earlier is not None and earlier is not self and earlier.running:
            earlier.stop()
            print(f"Another generator was still sending to {name}. It is stopped.")
        _in_background[sender.endpoint, name] = self
        self._thread = threading.Thread(target=sender.run_in_background, name="generator", daemon=True)
        self._thread.start()

    @property
    def sent(self) -> Sent:
        """The counts of the present run, or of the last one."""
        return self._sender.sent if self._sender else Sent(finished=True)

    @property
    def running(self) -> bool:
        """Whether records are being sent."""
        return self._sender is not None and not self._sender.sent.finished

    def request_stop(self) -> None:
        """End what is being sent, without waiting for it."""
        if self._sender:
            self._sender.stopping.set()

    def stop(self) -> Sent:
        """End what is being sent. Returns the counts. Raises the error that had ended it before, if any."""
        self.request_stop()
        return self.wait()

    def wait(self) -> Sent:
        """Wait until all is sent that `start()` was asked for. Returns the counts. Raises the error that ended it, if any."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            if self.sent.error is not None:
                raise self.sent.error
        return self.sent

    def _prepare(
        self,
        stream_name: str | None,
        delivery_stream_name: str | None,
        records: int | None,
        seconds: float | None,
        rate: Constant | Periodic | None,
        client: Any,
        compress: bool,
        make_listener: Callable[[], Listener] | None,
    ) -> Sender:
        if bool(stream_name) == bool(delivery_stream_name):
            raise ValueError("Say where to send: stream_name=… or delivery_stream_name=…, one of the two.")
        if self.running:
            raise RuntimeError("This generator is still sending. Call stop() first.")
        if records is not None and (not isinstance(records, int) or records <= 0):
            raise ValueError(f"records is {records!r}; it must be a whole number, 1 or more.")
        if seconds is not None and (not isinstance(seconds, int | float) or seconds <= 0):
            raise ValueError(f"seconds is {seconds!r}; it must be a number greater than 0.")
        if rate is not None and not isinstance(rate, Constant | Periodic):
            raise ValueError(f"rate is {rate!r}; it must be a rate, for example Constant(100).")
        if isinstance(rate, Periodic) and rate.start is not None and isinstance(self._clock, Clock):
            raise ValueError("Both the generator's clock and the rate's start set the time. Leave one of them out.")
        service = "kinesis" if stream_name else "firehose"
        client = client or boto3.client(service)
        if client.meta.service_model.service_name != service:
            raise ValueError(f"The client is for {client.meta.service_model.service_name}, it must be for {service}.")
        money.check(_price(client, records, seconds, rate))
        self._sender = Sender(
            client=client,
            name=stream_name or delivery_stream_name or "",  # one of the two: checked above
            make=self._compressed if compress else self._line,
            keys=self._keys,
            records=records,
            seconds=seconds,
            ticks=ticks_of(rate, self._counts, self._strict),
            listener=make_listener() if make_listener else (lambda sent: None),
        )
        return self._sender

    def _line(self, simulated: int | None) -> bytes:
        return f"{self._record(simulated)}\n".encode()

    def _compressed(self, simulated: int | None) -> bytes:
        return gzip.compress(self._record(simulated).encode(), mtime=0)

    def _record(self, simulated: int | None) -> str:
        if isinstance(self._clock, WallClock):
            self._clock.simulated = simulated
        return self._template.record()


def _price(client: Any, records: int | None, seconds: float | None, rate: Constant | Periodic | None) -> float:
    """Return what sending costs on AWS, in USD: of an hour where nobody says when it ends."""
    if records is None:
        a_second = rate.per_second if isinstance(rate, Constant) else USUAL_RATE
        records = round(a_second * (HOUR_SECONDS if seconds is None else seconds))
    region = client.meta.region_name
    if client.meta.service_model.service_name == "kinesis":
        return records / 1e6 * usd("kinesis put", region)
    return records * BILLED_BYTES / 1e9 * usd("firehose", region)


def _random(seed: int | str | None, purpose: str) -> Random:
    """Random numbers for one purpose, so that records do not change when keys or counts are drawn as well."""
    return Random(None if seed is None else f"{seed}/{purpose}")
