"""A frame: named, typed columns in order, over rows in order, in a database of its own.

A step makes a new frame of a frame. Its SQL is put together, not run, until rows are asked for or a step needs the data twice
(`stored`). Inside SQL columns are called c1, c2, … and the row order is `row`: names of users never meet DuckDB's rules for names.
"""

import itertools
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from .errors import DataRefused, StepRefused
from .types import TYPES, literal, name_of, quoted, text, widened

MEMORY = "1GB"


@dataclass(frozen=True)
class Column:
    """A column: DataBrew's name and type, and what it is called inside SQL."""

    name: str
    type: str
    key: str


class _Table:
    """A temporary table; when nothing refers to it any more, the workspace drops it before it makes its next one."""

    def __init__(self, name: str, unused: list[str]):
        self.name = name
        weakref.finalize(self, unused.append, name)


class Workspace:
    """The database of one session or job run: memory is limited, files are read only below the folders that were given.

    One thread at a time uses it; `interrupt` may come from another.

    Parameters
    ----------
    folders : where the data is.
    spill : where DuckDB puts what does not fit into memory, and files are unpacked; without it a statement that needs more fails.
    memory : DuckDB's limit, for example "1GB".
    """

    def __init__(self, folders: Iterable[Path] = (), spill: Path | None = None, memory: str = MEMORY):
        self.connection = duckdb.connect(":memory:")
        self._spill = spill
        self._names = itertools.count(1)
        self._unused: list[str] = []
        allowed = ", ".join(literal(str(folder.resolve()) + "/") for folder in [*folders, *([spill] if spill else [])])
        for name, value in (
            ("memory_limit", literal(memory)),
            ("temp_directory", literal(str(spill or ""))),
            ("TimeZone", "'UTC'"),
            # With it DuckDB 2.0 fails (BindBuiltinScalarFunction …) where nested text functions meet a column of NULLs.
            ("disabled_optimizers", "'statistics_propagation'"),
            ("autoinstall_known_extensions", "false"),
            ("autoload_known_extensions", "false"),
            ("allowed_directories", f"[{allowed}]"),
            ("enable_external_access", "false"),
            ("lock_configuration", "true"),
        ):
            self.connection.execute(f"SET GLOBAL {name} = {value}")

    def key(self) -> str:
        """A name for a new column that no column has."""
        return f"c{next(self._names)}"

    def scratch(self) -> Path | None:
        """The folder for files that only this workspace needs, None without `spill`."""
        if self._spill:
            self._spill.mkdir(parents=True, exist_ok=True)
        return self._spill

    def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        """Run SQL; what DuckDB says when it fails reaches nobody as it is.

        Raises
        ------
        StepRefused : the statement can't be done on this data or in this memory.
        duckdb.InterruptException : `interrupt` was called.
        """
        try:
            return self.connection.execute(sql)
        except duckdb.InterruptException:
            raise
        except duckdb.OutOfMemoryException as error:
            raise StepRefused(
                "The step needs more memory than is available. Use a smaller sample or fewer columns."
            ) from error
        except duckdb.IOException as error:
            raise DataRefused("The data of the dataset could not be read.") from error
        except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException) as error:
            raise StepRefused("A value of the data is out of the range of the step's result.") from error
        except duckdb.Error as error:
            raise StepRefused("The step can't be done on the columns of this dataset.") from error

    def table(self, sql: str) -> "_Table":
        """A temporary table with the rows of a query."""
        while self._unused:
            self.connection.execute(f"DROP TABLE IF EXISTS {self._unused.pop()}")
        name = f"t{next(self._names)}"
        self.execute(f"CREATE TEMP TABLE {name} AS {sql}")
        return _Table(name, self._unused)

    def interrupt(self) -> None:
        """End the statement that runs, if one does."""
        self.connection.interrupt()

    def close(self) -> None:
        """Free the memory. The workspace's frames can't be used any more."""
        self.connection.close()

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class Frame:
    """Rows with named, typed columns, both in order.

    Parameters
    ----------
    workspace : the database.
    source : what stands after FROM: a table or a query in parentheses with the columns' keys and `row`.
    columns : the visible columns in order.
    tables : what must live as long as the frame.
    """

    workspace: Workspace
    source: str
    columns: tuple[Column, ...]
    tables: tuple[_Table, ...] = field(default=(), repr=False)
    depth: int = 0

    @classmethod
    def of(cls, workspace: Workspace, sql: str, names: Sequence[str] | None = None) -> "Frame":
        """A stored frame of a query's rows in their order.

        Parameters
        ----------
        sql : a query; its columns become the frame's.
        names : other names for the columns.

        Examples
        --------
        >>> with Workspace() as w: Frame.of(w, "SELECT 1 AS a, 'x' AS b").rows()
        [(1, 'x')]
        """
        described = workspace.execute(f"DESCRIBE {sql}").fetchall()
        return cls.stored_of(workspace, sql, [(name, duck) for name, duck, *_ in described], names)

    @classmethod
    def stored_of(
        cls, workspace: Workspace, sql: str, described: Sequence[tuple[str, str]], names: Sequence[str] | None
    ) -> "Frame":
        keys = [workspace.key() for _ in described]
        inner = ", ".join(keys)
        picked = ", ".join(
            f"CAST({key} AS {wider}) AS {key}" if (wider := widened(duck)) else key
            for key, (_, duck) in zip(keys, described, strict=True)
        )
        table = workspace.table(f"SELECT row_number() OVER () AS row, {picked} FROM ({sql}) AS s({inner})")
        columns = tuple(
            Column(name, name_of(widened(duck) or duck), key)
            for key, (_, duck), name in zip(keys, described, names or [n for n, _ in described], strict=True)
        )
        return cls(workspace, table.name, columns, (table,))

    # what a step asks

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises
        ------
        StepRefused : there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise StepRefused(f"Column {name} doesn't exist in the dataset.")

    def has(self, name: str) -> bool:
        """Whether a column has that name; as for Spark, letters' case makes no difference."""
        return any(column.name.lower() == name.lower() for column in self.columns)

    def new_name(self, name: str) -> str:
        """The name, if no column has it.

        Raises
        ------
        StepRefused : a column has it.
        """
        if self.has(name):
            raise StepRefused(f"Column {name} already exists in the dataset.")
        return name

    def scalar(self, expression: str, type_: str) -> str:
        """The value of an SQL aggregate over all rows, as SQL of DataBrew's type; the frame should be stored."""
        found = self.workspace.execute(f"SELECT CAST({expression} AS VARCHAR) FROM {self.source}").fetchone()
        return f"CAST({literal(found[0] if found else None)} AS {TYPES[type_]})"

    # what a step makes

    def over(self, sql: str, columns: Sequence[Column], *tables: _Table) -> "Frame":
        """A frame of a query over this one. The query gives `row` and the columns' keys."""
        made = replace(
            self, source=f"({sql})", columns=tuple(columns), tables=(*self.tables, *tables), depth=self.depth + 1
        )
        return made.stored() if made.depth >= 40 else made

    def where(self, predicate: str) -> "Frame":
        """The rows for which an SQL predicate over keys is true."""
        return self.over(f"SELECT * FROM {self.source} WHERE {predicate}", self.columns)

    def expression_type(self, expression: str) -> str:
        """DataBrew's type of an SQL expression over this frame's keys."""
        described = self.workspace.execute(f"DESCRIBE SELECT {expression} AS e FROM {self.source}").fetchone()
        assert described is not None
        return name_of(described[1])

    def with_columns(self, made: Sequence[tuple[str, str, str]]) -> "Frame":
        """The frame with columns changed in place or added at the end.

        Parameters
        ----------
        made : (name, SQL over keys, DataBrew's type).
        """
        columns = list(self.columns)
        parts = []
        for name, expression, type_ in made:
            column = Column(name, type_, self.workspace.key())
            parts.append(f"{expression} AS {column.key}")
            at = next((i for i, old in enumerate(columns) if old.name == name), None)
            if at is None:
                columns.append(column)
            else:
                columns[at] = column
        return self.over(f"SELECT *, {', '.join(parts)} FROM {self.source}", columns)

    def keep(self, columns: Iterable[Column]) -> "Frame":
        """The frame with these columns, in this order."""
        return replace(self, columns=tuple(columns))

    def stored(self) -> "Frame":
        """The same frame with its rows in a table: for what reads them more than once, and what must stay as it came out."""
        if not self.source.startswith("("):
            return self
        keys = ", ".join(["row", *(c.key for c in self.columns)])
        table = self.workspace.table(f"SELECT {keys} FROM {self.source} ORDER BY row")
        return Frame(self.workspace, table.name, self.columns, (table,))

    # what the caller asks

    def query(self) -> str:
        """SQL that gives the rows in order under the users' names: for COPY and for reading in portions."""
        picked = ", ".join(f"{c.key} AS {quoted(c.name)}" for c in self.columns)
        return f"SELECT {picked} FROM {self.source} ORDER BY row"

    def count(self) -> int:
        """How many rows there are."""
        found = self.workspace.execute(f"SELECT count(*) FROM {self.source}").fetchone()
        return int(found[0]) if found else 0

    def rows(self, start: int = 0, size: int | None = None) -> list[tuple]:
        """Rows in order, as Python values."""
        limit = f" LIMIT {size}" if size is not None else ""
        return self.workspace.execute(f"{self.query()}{limit} OFFSET {start}").fetchall()

    def texts(self, start: int = 0, size: int | None = None) -> list[tuple]:
        """Rows in order, each value as DataBrew shows it: text, or None."""
        limit = f" LIMIT {size}" if size is not None else ""
        picked = ", ".join(f"{text(c.key, c.type)} AS {c.key}" for c in self.columns)
        return self.workspace.execute(
            f"SELECT {picked} FROM {self.source} ORDER BY row{limit} OFFSET {start}"
        ).fetchall()
