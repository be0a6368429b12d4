"""The generator as a form in JupyterLab, with the fields of the Kinesis Data Generator's page."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import boto3
import ipywidgets as widgets
from botocore.exceptions import BotoCoreError, ClientError

from helpers.generator import Constant, Generator
from helpers.generator.sending import Sent

HIGHEST_RATE = 2000  # as on KDG's page: what two shards take
SAMPLES = 5


class GeneratorForm(widgets.VBox):
    """Template, stream, rate and seed; Send, Stop and Test template; counters and the rate while sending.

    Parameters
    ----------
    template: text in KDG's language, or the Path of a file with it
    stream_name, delivery_stream_name: chosen at first (the list holds all streams of the account)
    rate: records a second, 1 to 2000
    seed: shown in its field; empty means other records each time
    session: boto3.Session to use; None is the current profile

    Each part has a CSS class: kdg-template, kdg-stream, kdg-refresh, kdg-rate, kdg-seed, kdg-limit, kdg-send, kdg-stop, kdg-test,
    kdg-counters, kdg-error, kdg-samples. In a notebook that runs headless the form is one line of text.
    """

    def __init__(
        self,
        template: str | Path,
        *,
        stream_name: str | None = None,
        delivery_stream_name: str | None = None,
        rate: int = 100,
        seed: int | str = "",
        session: Any = None,
    ) -> None:
        self._session = session or boto3
        self._generator: Generator | None = None
        wide = widgets.Layout(width="auto")  # 100% and the margins would be wider than the box: a scroll bar
        wrapped = {"layout": widgets.Layout(flex_flow="row wrap")}
        text = template.read_text(encoding="utf-8") if isinstance(template, Path) else template
        self.template = widgets.Textarea(
            text, description="Record template", rows=16, layout=wide, style={"description_width": "initial"}
        )
        self.stream = _field(widgets.Dropdown(description="Stream", options=[]))
        self.stream.layout = widgets.Layout(width="420px", max_width="96%")  # the longest name of the workshop, whole
        self.refresh = widgets.Button(description="Refresh streams")
        self.rate = _field(
            widgets.BoundedIntText(rate, min=1, max=HIGHEST_RATE, description="Records per second"),
        )
        self.seed = _field(widgets.Text(str(seed), description="Seed", placeholder="empty: random"))
        self.limit = _field(widgets.BoundedIntText(0, min=0, max=10**9, description="Records to send (0: until Stop)"))
        self.send = widgets.Button(description="Send", button_style="primary")
        self.stop = widgets.Button(description="Stop", disabled=True)
        self.test = widgets.Button(description="Test template")
        self.counters = widgets.HTML()
        self.error = widgets.HTML()
        self.samples = widgets.HTML()
        for name in "template stream refresh rate seed limit send stop test counters error samples".split():
            getattr(self, name).add_class(f"kdg-{name}")
        self.refresh.on_click(lambda _: self._list_streams())
        self.send.on_click(lambda _: self._start())
        self.stop.on_click(lambda _: self._stop())
        self.test.on_click(lambda _: self._test())
        super().__init__(
            [
                self.template,
                widgets.HBox([self.stream, self.refresh], **wrapped),
                widgets.HBox([self.rate, self.limit, self.seed], **wrapped),
                widgets.HBox([self.send, self.stop, self.test], **wrapped),
                self.counters,
                self.error,
                self.samples,
            ]
        )
        self.add_class("kdg-form")
        self._show(Sent(finished=True))
        self._list_streams()
        wanted = ("stream_name", stream_name) if stream_name else ("delivery_stream_name", delivery_stream_name)
        if wanted in [value for _, value in self.stream.options]:
            self.stream.value = wanted
        elif wanted[1] and not self.error.value:
            self._complain(
                f"There is no stream {wanted[1]}. Deploy the stack that makes it, then press Refresh streams."
            )

    def __repr__(self) -> str:
        return "Data generator: a form in JupyterLab. Run this cell there to use it."

    def _list_streams(self) -> None:
        """Fill the list of streams, keeping the one that is chosen."""
        self._complain("")
        chosen = self.stream.value
        try:
            options = [
                *[(f"Kinesis: {name}", ("stream_name", name)) for name in self._stream_names()],
                *[(f"Firehose: {name}", ("delivery_stream_name", name)) for name in self._delivery_stream_names()],
            ]
        except (BotoCoreError, ClientError) as error:
            self._complain(_sentence(error))
            return
        self.stream.options = options
        if chosen in [value for _, value in options]:
            self.stream.value = chosen

    def _stream_names(self) -> list[str]:
        pages = self._session.client("kinesis").get_paginator("list_streams").paginate()
        return [name for page in pages for name in page["StreamNames"]]

    def _delivery_stream_names(self) -> list[str]:
        client = self._session.client("firehose")
        answer = client.list_delivery_streams()
        names = list(answer["DeliveryStreamNames"])
        while answer["HasMoreDeliveryStreams"]:
            answer = client.list_delivery_streams(ExclusiveStartDeliveryStreamName=names[-1])
            names += answer["DeliveryStreamNames"]
        return names

    def _make(self) -> Generator | None:
        """The generator for what stands in the form; with a wrong template None, and the reason is shown."""
        self._complain("")
        try:
            return Generator(self.template.value, seed=self.seed.value.strip() or None)
        except ValueError as error:
            self._complain(_sentence(error))
            return None

    def _test(self) -> None:
        self.samples.value = ""
        generator = self._make()
        if generator is None:
            return
        try:
            records = generator.records(SAMPLES)
        except ValueError as error:
            self._complain(_sentence(error))
            return
        self.samples.value = "".join(f"<pre>{escape(record)}</pre>" for record in records)

    def _start(self) -> None:
        generator = self._make()
        if generator is None:
            return
        if self.stream.value is None:
            self._complain("No stream is chosen. Deploy the stack that makes one, then press Refresh streams.")
            return
        kind, name = self.stream.value
        service = "kinesis" if kind == "stream_name" else "firehose"
        self._running(True)
        try:
            generator.start(
                **{kind: name},
                records=self.limit.value or None,
                rate=Constant(self.rate.value),
                client=self._session.client(service),
                listener=self._show,
            )
        except (BotoCoreError, ClientError, ValueError) as error:
            self._running(False)
            self._complain(_sentence(error))
            return
        self._generator = generator

    def _stop(self) -> None:
        """Ask the present run to end; `_show` is told when it has."""
        if self._generator is not None:
            self._generator.request_stop()

    def _show(self, sent: Sent) -> None:
        """Counters; called by the sending thread a few times a second and when it has finished."""
        self.counters.value = (
            f"{sent.sent:,} sent · {sent.failed:,} failed · {sent.retried:,} retried · "
            f"{0 if sent.finished else sent.records_per_second:,.0f} records/s"
        )
        if sent.error is not None:
            self._complain(_sentence(sent.error))
        if sent.finished:
            self._running(False)

    def _running(self, running: bool) -> None:
        self.send.disabled = self.test.disabled = running
        self.stop.disabled = not running

    def _complain(self, sentence: str) -> None:
        self.error.value = f'<span role="alert" style="color: #b00020">{escape(sentence)}</span>' if sentence else ""


def _field(widget: widgets.DOMWidget) -> widgets.DOMWidget:
    widget.style = {"description_width": "initial"}
    return widget


def _sentence(error: Exception) -> str:
    """One sentence for whoever pressed the button."""
    if isinstance(error, ClientError):
        return f"AWS answers {error.response['Error']['Code']}: {error.response['Error']['Message']}"
    if isinstance(error, BotoCoreError):
        return f"AWS cannot be reached: {error} Run connect() at the top of the notebook."
    return str(error)
