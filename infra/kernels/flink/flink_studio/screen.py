"""What a paragraph shows: while it runs, widgets that change in place; at its end, plain outputs that files and tests can keep."""

import base64
import html
import threading

from IPython.display import clear_output, display

from . import charts, tables
from .changelog import SingleView
from .charts import ChartError, Settings

MOST_CHART_ROWS = 5000


class Result:
    """A result to show: columns, Flink types, and the view that holds the rows."""

    def __init__(self, columns: list[str], types: list[str], view):
        self.columns = columns
        self.types = types
        self.view = view

    def table_text(self) -> str:
        """The result as plain text."""
        if isinstance(self.view, SingleView):
            return self.view.text()
        return tables.text_table(self.columns, self.view.rows(tables.SHOWN), len(self.view)) + self._forgotten()

    def table_html(self) -> str:
        """The result as HTML."""
        if isinstance(self.view, SingleView):
            return self.view.html()
        return tables.html_table(self.columns, self.view.rows(tables.SHOWN), len(self.view)) + self._forgotten()

    def chart(self, settings: Settings) -> tuple[bytes, str]:
        """A picture of the result and its alternative text; raises ChartError."""
        return charts.png(self.columns, self.view.rows(MOST_CHART_ROWS), settings)

    def default_chart(self) -> Settings | None:
        """The settings that a chart starts with; None when the result has no numbers to draw."""
        if isinstance(self.view, SingleView):
            return None
        try:
            return charts.defaults(self.columns, self.types)
        except ChartError:
            return None

    def _forgotten(self) -> str:
        return f"\n{self.view.forgotten:,} older rows are no longer kept" if self.view.forgotten else ""


def show_table(result: Result) -> None:
    """Put the table into the cell's outputs."""
    display({"text/plain": result.table_text(), "text/html": result.table_html()}, raw=True)


def show_chart(result: Result, settings: Settings) -> None:
    """Put a chart into the cell's outputs, with its alternative text; raises ChartError."""
    picture, told = result.chart(settings)
    data = {"image/png": base64.b64encode(picture).decode(), "text/plain": told}
    display(data, raw=True, metadata={"image/png": {"alt": told}})


def _close(widget) -> None:
    """Close a widget and all in it."""
    for child in getattr(widget, "children", ()):
        _close(child)
    widget.close()


class PlainScreen:
    """For a run without a front end: nothing while it runs, the last table and chart at the end."""

    stopped = False

    def draw(self, result: Result, status: str) -> None:
        """Nothing to draw: nobody looks."""

    def close(self, result: Result) -> None:
        """Show the end: the table, and a bar chart of a changing result with few keys."""
        show_table(result)
        settings = result.default_chart()
        if settings and 0 < len(result.view) <= charts.MOST_KEYS:
            show_chart(result, settings)


class LiveScreen:
    """For JupyterLab: a table and charts on tabs that change in place, a status line, and a Stop button."""

    def __init__(self, result: Result, link: str):
        import ipywidgets as widgets

        self._result = result
        self._stop = threading.Event()
        self._drawing = threading.Lock()
        self._settings = result.default_chart()
        self._status = widgets.HTML()
        self._link = link
        button = widgets.Button(
            description="Stop", icon="stop", button_style="warning", tooltip="Stop the Flink job of this paragraph"
        )
        button.on_click(lambda _: self._stop.set())
        self._table = widgets.HTML()
        self._pictures = {kind: widgets.Image(format="png") for kind in charts.KINDS}
        self._notes = {kind: widgets.HTML() for kind in charts.KINDS}
        self._tabs = widgets.Tab([self._table])
        self._tabs.titles = ["table"]
        children = [widgets.HBox([self._status, button]), self._tabs]
        if self._settings:
            pages = [widgets.VBox([self._pictures[kind], self._notes[kind]]) for kind in charts.KINDS]
            self._tabs.children = [self._table, *pages]
            self._tabs.titles = ["table", *charts.KINDS]
            children.append(self._choices(widgets))
        self._tabs.observe(lambda _: self._paint(), "selected_index")
        self._tabs.selected_index = 0
        self._box = widgets.VBox(children)
        display(self._box)

    @property
    def stopped(self) -> bool:
        """Whether Stop was pressed."""
        return self._stop.is_set()

    def draw(self, result: Result, status: str) -> None:
        """Show the status and the tab that is open."""
        self._status.value = f"{html.escape(status)} · <a href='{html.escape(self._link)}' target='_blank'>job in Flink's web page</a>&nbsp;"
        self._paint()

    def close(self, result: Result) -> None:
        """Leave plain outputs in place of the widgets: the table and the chart that was open, or the bar chart."""
        with self._drawing:
            clear_output(wait=True)
            show_table(result)
            if self._settings and len(result.view):
                kind = charts.KINDS[max(0, (self._tabs.selected_index or 0) - 1)]
                settings = Settings(kind, self._settings.keys, self._settings.groups, self._settings.values)
                try:
                    show_chart(result, settings)
                except ChartError as error:
                    print(error)
            _close(self._box)

    def _choices(self, widgets):
        """Zeppelin's chart settings."""

        def choice(name: str, columns: list[str]):
            box = widgets.SelectMultiple(
                options=columns, value=tuple(getattr(self._settings, name)), description=name, rows=3
            )

            def changed(change) -> None:
                chosen = {n: list(getattr(self._settings, n)) for n in ("keys", "groups", "values")} | {
                    name: list(change["new"])
                }
                self._settings = Settings("bar", **chosen)
                self._paint()

            box.observe(changed, "value")
            return box

        numbers = [n for n, t in zip(self._result.columns, self._result.types, strict=True) if charts.is_number_type(t)]
        columns = self._result.columns
        return widgets.HBox([choice("keys", columns), choice("groups", columns), choice("values", numbers)])

    def _paint(self) -> None:
        with self._drawing:
            if not self._tabs.selected_index:
                self._table.value = self._result.table_html()
                return
            kind = charts.KINDS[self._tabs.selected_index - 1]
            settings = Settings(kind, self._settings.keys, self._settings.groups, self._settings.values)
            try:
                self._pictures[kind].value, told = self._result.chart(settings)
                self._pictures[kind].layout.display = ""
            except ChartError as error:
                self._pictures[kind].layout.display = "none"
                told = str(error)
            self._notes[kind].value = f"<small>{html.escape(told)}</small>"
