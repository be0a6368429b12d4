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

    def chart(self, settings: Settings) -> tuple[bytes, str, str]:
        """A picture of the result, its title, and it in words; raises ChartError."""
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
    picture, title, told = result.chart(settings)
    png, alt = base64.b64encode(picture).decode(), f"{title}. {told[0].upper()}{told[1:]}"
    image = f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{png}">'  # JupyterLab gives a plain PNG no text
    display({"text/html": image, "image/png": png, "text/plain": told}, raw=True, metadata={"image/png": {"alt": alt}})


def _try_chart(result: Result, settings: Settings) -> None:
    """The chart below a table; the reason when the result makes none."""
    try:
        show_chart(result, settings)
    except ChartError as error:
        print(error)


def _close(widget) -> None:
    """Close a widget and all in it."""
    for child in getattr(widget, "children", ()):
        _close(child)
    widget.close()


class PlainScreen:
    """For a run without a front end: nothing while it runs, the last table and chart at the end."""

    stopped = False

    def tell(self, status: str) -> None:
        """Nothing to tell: nobody looks."""

    def draw(self) -> None:
        """Nothing to draw."""

    def close(self, result: Result) -> None:
        """Show the end: the table, and a bar chart of a changing result with few keys."""
        show_table(result)
        settings = result.default_chart()
        if settings and 0 < len(result.view) <= charts.MOST_KEYS:
            _try_chart(result, settings)


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
        table = widgets.HTML(layout={"max_height": "30em", "overflow": "auto"})  # the page stays where it is
        self._pages = [table, *(widgets.HTML() for _ in charts.KINDS)]
        self._tabs = widgets.Tab([table])
        self._tabs.titles = ["table"]
        children = [widgets.HBox([self._status, button]), self._tabs]
        if self._settings:
            self._tabs.children = self._pages
            self._tabs.titles = ["table", *charts.KINDS]
            self._choices = self._make_choices(widgets)
            children.append(self._choices)
        self._tabs.observe(lambda _: self.draw(), "selected_index")
        self._tabs.selected_index = 0
        self._box = widgets.VBox(children)
        self._box.add_class("flink-studio")
        display(self._box)

    @property
    def stopped(self) -> bool:
        """Whether Stop was pressed."""
        return self._stop.is_set()

    def tell(self, status: str) -> None:
        """Show the status line."""
        link = f"<a href='{html.escape(self._link)}' target='_blank'>job in Flink's web page</a>"
        self._status.value = f"{html.escape(status)} · {link}&nbsp;"

    def draw(self) -> None:
        """Draw the tab that is open."""
        with self._drawing:
            open_tab = self._tabs.selected_index or 0
            if self._settings:
                self._choices.layout.display = "" if open_tab else "none"
            page = self._pages[open_tab]
            if not open_tab:
                page.value = self._result.table_html()
                return
            assert self._settings is not None, "only a result with settings has charts"
            try:
                picture, title, told = self._result.chart(_chosen(self._settings, charts.KINDS[open_tab - 1]))
            except ChartError as error:
                page.value = f"<p>{html.escape(str(error))}</p>"
                return
            data, alt = base64.b64encode(picture).decode(), html.escape(f"{title}. {told}")
            page.value = f'<img src="data:image/png;base64,{data}" alt="{alt}">'

    def close(self, result: Result) -> None:
        """Leave plain outputs in place of the widgets: the table and the chart that was open, or the bar chart."""
        with self._drawing:
            clear_output(wait=True)
            show_table(result)
            if self._settings and len(result.view):
                kind = charts.KINDS[max(0, (self._tabs.selected_index or 0) - 1)]
                _try_chart(result, _chosen(self._settings, kind))
            _close(self._box)

    def _make_choices(self, widgets):
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
                self.draw()

            box.observe(changed, "value")
            return box

        numbers = [n for n, t in zip(self._result.columns, self._result.types, strict=True) if charts.is_number_type(t)]
        columns = self._result.columns
        return widgets.HBox([choice("keys", columns), choice("groups", columns), choice("values", numbers)])


def _chosen(settings: Settings, kind: str) -> Settings:
    return Settings(kind, settings.keys, settings.groups, settings.values)
