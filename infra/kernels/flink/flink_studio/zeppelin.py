"""Zeppelin's `z`: show tables, ask for values, and (for runs without a front end) say when a stream has been read enough."""

import contextlib
from dataclasses import dataclass
from typing import Any

from IPython.display import display

from .charts import Settings, defaults
from .paragraph import STREAM_TYPES, Options, ParagraphError
from .screen import show_chart


@dataclass(frozen=True)
class StopAfter:
    """When a streaming paragraph ends by itself: at the first of these; None means never.

    Attributes:
        rows: the result table has so many rows.
        idle: so many seconds without a change, after the first one.
        seconds: so many seconds after the start.
    """

    rows: int | None = None
    idle: float | None = None
    seconds: float | None = None

    def __bool__(self) -> bool:
        return any(value is not None for value in (self.rows, self.idle, self.seconds))


def read_stop_after(text: str) -> StopAfter:
    """Read `rows=500,idle=3,seconds=60`, the environment variable FLINK_STOP_AFTER.

    Raises:
        ParagraphError: another word, or no number behind it.
    """
    given: dict[str, Any] = {}
    for part in filter(None, text.replace(" ", "").split(",")):
        name, _, value = part.partition("=")
        try:
            given[name] = int(value) if name == "rows" else float(value)
        except ValueError:
            raise ParagraphError(
                f"FLINK_STOP_AFTER={text} is not possible: write for example rows=500,idle=3,seconds=60."
            ) from None
    if not set(given) <= {"rows", "idle", "seconds"}:
        raise ParagraphError(f"FLINK_STOP_AFTER={text} is not possible: it knows rows, idle and seconds.")
    return StopAfter(**given)


class Zeppelin:
    """The object `z` of a notebook.

    Args:
        studio: runs the tables and knows the last result.
    """

    def __init__(self, studio, stop: StopAfter):
        self._studio = studio
        self._answers: dict[str, object] = {}
        self._stop = stop

    def show(
        self,
        table,
        stream_type: str | None = None,
        refreshInterval: int | None = None,  # noqa: N803 - Zeppelin's name
        template: str | None = None,
    ) -> None:
        """Show a Flink table, live when it is a stream; anything else is displayed as Jupyter does.

        Args:
            table: a table of `st_env` or `bt_env`, or a pandas DataFrame.
            stream_type: `update`, `append` or `single`; needed for a table of `st_env`.
            refreshInterval: milliseconds between two drawings at least.
            template: for `single`: text with {0}, {1} … for the columns.

        Raises:
            ParagraphError: an unknown or missing stream_type.
            FlinkError: Flink's root cause.
        """
        # inside of a function nobody can wait for the event loop: buttons rest, the kernel's interrupt stops the job
        showing = self.show_live(table, stream_type, refreshInterval, template)
        with contextlib.suppress(StopIteration):
            while True:
                showing.send(None)

    async def show_live(self, table, stream_type=None, refreshInterval=None, template=None) -> None:  # noqa: N803
        """What `z.show(…)` as a line of a cell becomes (extension.py): the same, and buttons answer meanwhile."""
        from pyflink.table import Table

        if not isinstance(table, Table):
            display(table)
            return
        if stream_type is not None and stream_type not in STREAM_TYPES:
            raise ParagraphError(f"stream_type={stream_type!r} is not possible: use update, append or single.")
        standard = Options()
        options = Options(
            type=stream_type,
            refresh_ms=refreshInterval or standard.refresh_ms,
            template=template or standard.template,
        )
        await self._studio.show_table(table, options)

    def stop_after(self, rows: int | None = None, idle: float | None = None, seconds: float | None = None) -> None:
        """Let the streaming paragraphs that follow end by themselves, at the first of these; without arguments: no more.

        Args:
            rows: the result table has so many rows.
            idle: so many seconds without a change, after the first one.
            seconds: so many seconds after the start.
        """
        self._stop = StopAfter(rows, idle, seconds)

    @property
    def stopping(self) -> StopAfter:
        """What stop_after said last, else the environment variable FLINK_STOP_AFTER."""
        return self._stop

    def chart(
        self,
        kind: str = "bar",
        keys: str | list[str] | None = None,
        groups: str | list[str] | None = None,
        values: str | list[str] | None = None,
    ) -> None:
        """Draw the last result: what Zeppelin's chart buttons and settings do.

        Args:
            kind: bar, line, pie, area or scatter.
            keys: columns along the axis.
            groups: columns whose values make one series each.
            values: number columns, summed by key and group.

        Raises:
            ChartError: an unknown kind or column, or nothing to draw.
        """
        result = self._studio.last_result
        if result is None:
            raise ParagraphError("There is no result yet: run a paragraph with a SELECT first.")
        start = defaults(result.columns, result.types, kind) if keys is None or values is None else Settings(kind)
        chosen = [_names(given, usual) for given, usual in ((keys, start.keys), (groups, []), (values, start.values))]
        show_chart(result, Settings(kind, *chosen))

    def result(self) -> tuple[list[str], list[tuple]]:
        """The last result: its column names and its rows, for checks in Python."""
        result = self._studio.last_result
        if result is None:
            raise ParagraphError("There is no result yet: run a paragraph with a SELECT first.")
        return list(result.columns), result.view.rows()

    def web(self) -> str:
        """The address of Flink's own web page, which is also that of its REST API."""
        return self._studio.ready().web

    def jobs(self) -> dict[str, str]:
        """The jobs that INSERT statements started: job id -> name and state."""
        return {job.id: f"{job.name}: {job.state()}" for job in self._studio.jobs}

    def cancel(self, job: str | None = None) -> None:
        """Stop jobs that INSERT statements started.

        Args:
            job: id or name; None stops all.
        """
        self._studio.cancel(job)

    def input(self, name: str, defaultValue: object = "") -> object:  # noqa: N803 - Zeppelin's name
        """A text field; returns what was typed last, else the default. Run the cell again to take a new value."""
        return self._ask(name, defaultValue, lambda widgets, value: widgets.Text(value=str(value), description=name))

    textbox = input

    def select(self, name: str, options: list, defaultValue: object = None) -> object:  # noqa: N803
        """A drop-down list.

        Args:
            name: the label.
            options: values, or (value, label) pairs.
            defaultValue: the value that is chosen at first; None: the first.
        """
        pairs = [(str(o[1]), o[0]) if isinstance(o, tuple | list) else (str(o), o) for o in options]
        default = pairs[0][1] if defaultValue is None else defaultValue
        self._offer(name, pairs, [default])
        return self._ask(
            name, default, lambda widgets, value: widgets.Dropdown(options=pairs, value=value, description=name)
        )

    def checkbox(self, name: str, options: list, defaultChecked: list | None = None) -> list:  # noqa: N803
        """Several choices; returns the list of chosen values. Arguments as in select."""
        pairs = [(str(o[1]), o[0]) if isinstance(o, tuple | list) else (str(o), o) for o in options]
        default = [value for _, value in pairs] if defaultChecked is None else defaultChecked
        self._offer(name, pairs, default)

        def make(widgets, value):
            return widgets.SelectMultiple(options=pairs, value=tuple(value), description=name)

        return list(self._ask(name, default, make))

    def _offer(self, name: str, pairs: list[tuple[str, object]], default: list) -> None:
        """Forget an earlier answer that the options, changed meanwhile, do not have."""
        values = [value for _, value in pairs]
        if unknown := [value for value in default if value not in values]:
            raise ParagraphError(f"{name}: {unknown[0]!r} is not among the options {values}.")
        answer = self._answers.get(name, default)
        if any(value not in values for value in (answer if isinstance(answer, list | tuple) else [answer])):
            del self._answers[name]

    def _ask(self, name: str, default, make):
        value = self._answers.get(name, default)
        if self._studio.has_front_end():
            import ipywidgets as widgets

            box = make(widgets, value)
            box.observe(lambda change: self._answers.__setitem__(name, change["new"]), "value")
            display(box)
        return value


def _names(given: str | list[str] | None, usual: list[str]) -> list[str]:
    if given is None:
        return usual
    return [given] if isinstance(given, str) else list(given)
