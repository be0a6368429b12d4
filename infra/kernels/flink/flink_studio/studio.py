"""Runs paragraphs: the part that knows Jupyter, Flink and the catalog."""

import os
import re
import signal
import threading
import time
import types
from contextlib import contextmanager

from IPython.display import display
from py4j.protocol import Py4JError, Py4JJavaError

from infra.engines.flink.aws import Profile
from infra.engines.flink.cluster import Cluster
from infra.engines.flink.jvm import Jvm, JvmError, archive_option

from . import errors
from .catalog import GlueCatalog, tables_in
from .changelog import AppendView, SingleView, UpdateView
from .errors import FlinkError
from .jobs import Job
from .paragraph import Options, ParagraphError, Statement, parse
from .screen import LiveScreen, PlainScreen, Result
from .zeppelin import StopAfter, Zeppelin, read_stop_after

NAMES = re.compile(r"\b(st_env|bt_env|s_env|b_env|z)\b")
# its job would start before the catalog knows the table, and so without the endpoint of the profile
MAKES_STREAM = re.compile(r"CREATE\b.*\bTABLE\b.*'connector'\s*=\s*'kinesis'.*\)\s*AS\s+(?:SELECT|WITH)\b", re.I | re.S)
TAKE_MS = 100
TURNS = 8  # of the kernel's event loop, so that a message of a button comes through all its steps


class Studio:
    """One kernel's Flink: started in the background, started again when its Java process ended.

    Args:
        shell: IPython's shell.
        jvm: the Java process that the kernel started first of all.
    """

    def __init__(self, shell, jvm: Jvm):
        self._shell = shell
        self._jvm = jvm
        self._profile = Profile()
        self._aws = None
        self._time_zone = "UTC"
        self._cluster: Cluster | None = None
        self._catalog: GlueCatalog | None = None
        self._problem: Exception | None = None
        self._starting = threading.Thread(target=self._start, daemon=True, name="flink-start")
        self._starting.start()
        self.jobs: list[Job] = []
        self.last_result: Result | None = None
        self.watching = False  # a query is being shown
        self.z = Zeppelin(self, read_stop_after(os.environ.get("FLINK_STOP_AFTER", "")))

    # --- start and end -------------------------------------------------------------------------------------------

    def _start(self) -> None:
        try:
            aws = self._profile.aws()
            self._cluster = Cluster(self._jvm, aws.flink_options())
            self._aws = aws
            database = os.environ.get("FLINK_GLUE_DATABASE", "analyticsworkshopdb")
            self._catalog = GlueCatalog(self._cluster, database)
            for environment in (self._cluster.st_env, self._cluster.bt_env):
                self._follow_catalog(environment)
        except Exception as error:  # reported by ready(), in the cell that needs Flink
            self._problem = error
            return
        self._cluster.warm_up()
        import matplotlib.figure  # noqa: F401 - the first chart would wait for it

    def ready(self) -> Cluster:
        """The running Flink; waits while it starts, starts it again after its Java process ended.

        Raises:
            FlinkError: it does not start.
        """
        while self._cluster is None and self._problem is None:
            self._starting.join(0.05)
            if not self._starting.is_alive() and self._cluster is None and self._problem is None:
                self._problem = JvmError("Flink did not start.")
        while self._catalog is None and self._problem is None:
            time.sleep(0.02)
        if self._problem is None and not self._jvm.alive:
            self._restart()
            return self.ready()
        if self._problem is not None:
            problem, self._problem = self._problem, None
            self._restart()  # for the next paragraph
            raise FlinkError(f"Flink did not start: {errors.explain(problem).message}") from None
        self._refresh_aws()
        cluster = self._cluster
        cluster.adopt_thread()
        names = {"st_env": cluster.st_env, "bt_env": cluster.bt_env, "s_env": cluster.s_env, "b_env": cluster.b_env}
        self._shell.push(names, interactive=False)
        return cluster

    def _restart(self) -> None:
        self._jvm.stop(0)
        self._cluster = self._catalog = self._aws = None
        self.jobs.clear()
        self._jvm = Jvm(archive_option())
        self._starting = threading.Thread(target=self._start, daemon=True, name="flink-start")
        self._starting.start()

    def stop(self) -> None:
        """End the Java process and with it every job."""
        self._jvm.stop(0)

    def _refresh_aws(self) -> None:
        """Follow the profile: other endpoints after connect(), renewed keys."""
        aws = self._profile.aws()
        if aws != self._aws:
            self._cluster.set_file_systems(aws.flink_options())
            self._aws = aws
        self._cluster.set_properties(aws.key_properties() | aws.connector_properties())

    def _follow_catalog(self, environment) -> None:
        """Glue's tables before, and changes to Glue after, whatever runs SQL in an environment: paragraphs and Python cells."""

        def followed(method, text):
            def call(argument, *more):
                sql = text(argument)
                with self._placed(environment, Statement(sql, 1, 1)):
                    return self._with_catalog(environment, sql, lambda: method(argument, *more))

            return call

        environment.execute_sql = followed(environment.execute_sql, str)
        environment.sql_query = followed(environment.sql_query, str)
        environment.from_path = followed(environment.from_path, lambda path: f"TABLE {path}")

    def _with_catalog(self, environment, sql: str, method):
        self._refresh_aws()
        self._catalog.sync(self._aws, environment, sql)
        result = method()
        if re.search(r"\b(CREATE|ALTER|DROP)\b", sql, re.I):
            self._catalog.store(self._aws, environment)
        return result

    def _execute(self, environment, statement: Statement):
        """Run a statement of a paragraph; errors are those of Java."""
        self._time_zone = environment.get_config().get_local_timezone()
        from pyflink.table import TableResult

        return self._with_catalog(
            environment, statement.text, lambda: TableResult(environment._j_tenv.executeSql(statement.text))
        )

    # --- paragraphs ----------------------------------------------------------------------------------------------

    def before_cell(self, info) -> None:
        """IPython's event pre_run_cell: a Python cell that names an environment waits for Flink."""
        if info.raw_cell and NAMES.search(info.raw_cell):
            self.ready()

    async def run(self, cell: str) -> None:
        """Run the cell of a `%flink.ssql` or `%flink.bsql` paragraph.

        Raises:
            FlinkError: what Flink, Glue or this kernel say, in one or two lines.
        """
        try:
            paragraph = parse(cell)
            cluster = self.ready()
            self._report_failed_jobs()
            environment = cluster.st_env if paragraph.interpreter == "ssql" else cluster.bt_env
            if not paragraph.statements:
                raise ParagraphError("This paragraph holds no SQL statement: write one below its first line.")
            with self._configured(environment, paragraph.options):
                await self._run_statements(environment, paragraph)
        except (Py4JError, ConnectionError) as error:
            raise self._from_java(error) from None

    async def _run_statements(self, environment, paragraph) -> None:
        options = paragraph.options
        as_one = environment.create_statement_set() if options.run_as_one else None
        for statement in paragraph.statements:
            with self._placed(environment, statement):
                if statement.kind == "query":
                    await self._query(environment, statement, options)
                elif statement.kind == "insert" and as_one is not None:
                    as_one.add_insert_sql(statement.text)
                elif statement.kind == "insert":
                    self._insert(environment, self._execute(environment, statement), statement, options)
                elif statement.kind == "set":
                    self._set(environment, statement)
                else:
                    self._other(environment, statement, options)
        if as_one is not None and any(s.kind == "insert" for s in paragraph.statements):
            with self._placed(environment, paragraph.statements[-1]):
                self._insert(environment, as_one.execute(), paragraph.statements[-1], options)

    @contextmanager
    def _placed(self, environment, statement: Statement):
        """Errors of a statement are told with their place in the cell."""
        from pyflink.util.exceptions import JavaException

        try:
            yield
        except (Py4JError, JavaException) as error:
            if self._java_is_gone(error):
                raise self._java_ended() from None
            tables = environment.list_tables()
            names = [*environment.list_functions(), *self._columns(environment, statement, tables)]
            raise errors.sql_error(error, statement, tables, names) from None

    @staticmethod
    def _columns(environment, statement: Statement, tables: list[str]) -> list[str]:
        """The columns of the tables and views that a statement names."""
        find = getattr(environment._j_tenv, "from")
        named = {table for _, table in tables_in(statement.text)} & set(tables)
        return [name for table in named for name in find(f"`{table}`").getResolvedSchema().getColumnNames()]

    async def _query(self, environment, statement: Statement, options: Options) -> None:
        streaming = environment is self._cluster.st_env
        if streaming and options.type is None:
            raise ParagraphError(
                "A SELECT in streaming SQL needs a type: write %flink.ssql(type=update), or append or single."
            )
        self._check_can_end(streaming)
        await self._follow(self._execute(environment, statement), options)

    async def show_table(self, table, options: Options) -> None:
        """Run a table of the Table API and show it: `z.show`.

        Raises:
            ParagraphError, FlinkError: see run.
        """
        self.ready()
        streaming = table._t_env is self._cluster.st_env
        if streaming and options.type is None:
            raise FlinkError(
                'A table of st_env is a stream: write z.show(table, stream_type="update"), or append or single.'
            )
        from pyflink.util.exceptions import JavaException

        try:
            self._check_can_end(streaming)
            await self._follow(table.execute(), options)
        except (Py4JError, JavaException, ConnectionError) as error:
            raise self._from_java(error) from None

    def _check_can_end(self, streaming: bool) -> None:
        if streaming and not self.has_front_end() and not self.z.stopping:
            raise ParagraphError(
                "This run has no front end that could stop a stream: say before when to end, "
                "for example z.stop_after(idle=3, seconds=60), or set FLINK_STOP_AFTER=idle=3,seconds=60."
            )

    async def _follow(self, table_result, options: Options) -> None:
        """Show a running query until it ends, is stopped, or has read enough."""
        schema = table_result._j_table_result.getResolvedSchema()
        columns = list(schema.getColumnNames())
        types = [kind.toString() for kind in schema.getColumnDataTypes()]
        result = Result(columns, types, _view(options))
        job = Job.of(table_result, options.job_name or "query")
        changes = self._cluster.collect(table_result, self._time_zone)
        link = f"{self._cluster.web}/#/job/{job.id}/overview"
        screen = LiveScreen(result, link) if self.has_front_end() else PlainScreen()
        self.last_result = result
        stop = self.z.stopping if options.type else StopAfter()
        with _interrupts() as interrupted:
            self.watching = True
            try:
                ended = await self._watch(changes, result, screen, options, stop, interrupted, job)
            finally:
                self.watching = False
                if self._jvm.alive and not changes.finished:
                    job.cancel()
                screen.close(result)
        if ended:
            print(ended)
        if self._jvm.alive and (skipped := self._cluster.skipped(job.id)):
            print(f"{skipped:,} records were skipped: they are not as the table says (ignore-parse-errors).")
        if interrupted.is_set():
            raise KeyboardInterrupt
        if changes.finished and changes.failure is not None and not ended:
            raise FlinkError(f"The job failed: {errors.failure(changes.failure)}")

    async def _watch(
        self, changes, result: Result, screen, options: Options, stop: StopAfter, interrupted, job: Job
    ) -> str:
        """Take changes and draw them; returns how it ended, empty when the query ended by itself."""
        started = changed = time.monotonic()
        told = drawn = 0.0
        refresh = options.refresh_ms / 1000
        begun = time.strftime("%H:%M:%S")
        dirty, view = False, result.view
        rate = Rate()
        while not changes.finished:
            kinds, rows = changes.take(TAKE_MS)
            for _ in range(TURNS):
                await _turn()
            now = time.monotonic()
            if kinds:
                view.apply(kinds, rows)
                rate.add(now, len(kinds))
                changed, dirty = now, True
            if dirty and now - drawn >= refresh:
                screen.draw()
                drawn, dirty, told = time.monotonic(), False, 0.0
            if now - told >= refresh:
                screen.tell(_status(view, rate.of(now), begun, job, self._cluster.skipped(job.id)))
                told = time.monotonic()
            if interrupted.is_set():
                return "Interrupted: the job was stopped."
            if screen.stopped:
                return "Stopped."
            if stop.rows is not None and len(view) >= stop.rows:
                return f"Ended at {stop.rows} rows (z.stop_after)."
            if stop.idle is not None and view.changes and now - changed >= stop.idle:
                return f"Ended after {stop.idle:g} s without a change (z.stop_after)."
            if stop.seconds is not None and now - started >= stop.seconds:
                waited = (
                    ""
                    if view.changes
                    else f": no row came since {begun} UTC; a stream that is read from LATEST gives only records put later"
                )
                return f"Ended after {stop.seconds:g} s (z.stop_after){waited}."
        return ""

    def _insert(self, environment, table_result, statement: Statement, options: Options) -> None:
        job = Job.of(table_result, options.job_name or " ".join(statement.text.split())[:60])
        if environment is self._cluster.bt_env:
            with _interrupts() as interrupted:
                state = job.wait(interrupted)
            if interrupted.is_set():
                raise KeyboardInterrupt
            if state != "FINISHED":
                raise FlinkError(f"The job failed: {job.failure(self._cluster.web)}")
            print("The job has finished.")
            return
        state = job.wait_until_running()
        if state == "FAILED":
            raise FlinkError(f"The job failed: {job.failure(self._cluster.web)}")
        if state == "FINISHED":
            print("The job has finished.")
            return
        self.jobs.append(job)
        print("The job runs in the background until z.cancel(), or until the kernel ends.")
        if self.has_front_end():
            display(job.card(self._cluster.web))

    def _report_failed_jobs(self) -> None:
        for job in [job for job in self.jobs if job.state() in ("FAILED", "CANCELED", "FINISHED")]:
            self.jobs.remove(job)
            if job.state() == "FAILED":
                print(f"The job {job.name!r} failed: {job.failure(self._cluster.web)}")

    def cancel(self, name: str | None) -> None:
        """Stop background jobs by id or name; None stops all."""
        chosen = [job for job in self.jobs if name in (None, job.id, job.name)]
        if name is not None and not chosen:
            raise FlinkError(f"There is no running job {name!r}: z.jobs() lists them.")
        for job in chosen:
            job.cancel()
            self.jobs.remove(job)

    def _set(self, environment, statement: Statement) -> None:
        match = re.fullmatch(r"(?is)(SET|RESET)(?:\s+'([^']+)'(?:\s*=\s*'([^']*)')?)?", statement.plain)
        if match is None or (match[1].upper() == "SET") != (match[3] is not None):
            raise ParagraphError("Write SET 'name' = 'value' or RESET 'name', with quotes.")
        configuration = environment.get_config().get_configuration()
        if match[3] is not None:
            configuration.set_string(match[2], match[3])
            print(f"{match[2]} is now {match[3]}.")
        elif match[2]:
            configuration.remove_config(match[2])
            print(f"{match[2]} has its default again.")
        else:
            raise ParagraphError("Name the option: RESET 'name'.")

    def _other(self, environment, statement: Statement, options: Options) -> None:
        if MAKES_STREAM.match(statement.plain):
            raise ParagraphError(
                "A Kinesis table is made first and filled then: write CREATE TABLE, then INSERT INTO … SELECT."
            )
        table_result = self._execute(environment, statement)
        if table_result.get_job_client() is not None:  # CREATE TABLE … AS SELECT
            self._insert(environment, table_result, statement, options)
            return
        if statement.kind == "ddl":
            print(f"{' '.join(statement.words[:2]).capitalize()}: done.")
            return
        schema = table_result._j_table_result.getResolvedSchema()
        changes = self._cluster.collect(table_result, self._time_zone)
        view = UpdateView(in_order=True)
        while not changes.finished:
            view.apply(*changes.take(TAKE_MS))
        result = Result(list(schema.getColumnNames()), [t.toString() for t in schema.getColumnDataTypes()], view)
        if statement.words[0] == "EXPLAIN" or statement.words[:2] == ["SHOW", "CREATE"]:
            print("\n".join(str(row[0]) for row in view.rows()))
        else:
            display({"text/plain": result.table_text(), "text/html": result.table_html()}, raw=True)

    # --- small things --------------------------------------------------------------------------------------------

    def has_front_end(self) -> bool:
        """Whether somebody sees the cell: a front end that can answer questions, unlike papermill and nbval."""
        parent = self._shell.kernel.get_parent("shell") or {}
        return bool(parent.get("content", {}).get("allow_stdin"))

    @contextmanager
    def _configured(self, environment, options: Options):
        """The paragraph's parallelism and job name, for this paragraph only."""
        configuration = environment.get_config().get_configuration()
        jobs = self._cluster.s_env if environment is self._cluster.st_env else self._cluster.b_env
        usual = jobs.get_parallelism()
        if options.parallelism:
            jobs.set_parallelism(options.parallelism)
        if options.job_name:
            configuration.set_string("pipeline.name", options.job_name)
        try:
            yield
        finally:
            if self._jvm.alive:
                jobs.set_parallelism(usual)
                configuration.remove_config("pipeline.name")

    def _from_java(self, error) -> FlinkError:
        return (
            self._java_ended() if self._java_is_gone(error) else FlinkError(f"Flink: {errors.explain(error).message}")
        )

    def _java_is_gone(self, error) -> bool:
        """Whether the Java process has ended; after a broken connection it may need a moment to be gone."""
        if isinstance(error, Py4JError | ConnectionError) and not isinstance(error, Py4JJavaError):
            self._jvm.wait(2)
        return not self._jvm.alive

    def _java_ended(self) -> FlinkError:
        code = self._jvm.exit_code
        how = f"by signal {-code} ({signal.Signals(-code).name})" if code and code < 0 else f"with code {code}"
        self._jvm.forget()
        return FlinkError(
            f"Flink's Java process has ended {how}, and its jobs with it. The next paragraph starts a new one; "
            "temporary tables and views are gone, tables of the Glue Data Catalog are not."
        )


@types.coroutine
def _turn():
    """Let the event loop take one turn: buttons and tabs answer while a paragraph runs."""
    yield


class Rate:
    """Changes a second over the last seconds."""

    WINDOW = 5.0

    def __init__(self):
        self._points: list[tuple[float, int]] = []

    def add(self, now: float, changes: int) -> None:
        """Count changes at a time."""
        self._points.append((now, changes))

    def of(self, now: float) -> float:
        """Changes a second up to now."""
        self._points = [point for point in self._points if now - point[0] <= self.WINDOW]
        return sum(changes for _, changes in self._points) / self.WINDOW


def _view(options: Options):
    if options.type == "append":
        return AppendView(options.threshold_ms)
    if options.type == "single":
        return SingleView(options.template)
    return UpdateView(in_order=options.type is None)


def _status(view, rate: float, begun: str, job: Job, skipped: int) -> str:
    more = f" · {skipped:,} records skipped" if skipped else ""
    if not view.changes:
        return f"waiting since {begun} UTC: no row has come yet{more} · job {job.id[:8]}"
    return f"{len(view):,} rows · {view.changes:,} changes ({rate:,.0f} a second){more} · job {job.id[:8]}"


@contextmanager
def _interrupts():
    """While it is open, the kernel's interrupt sets the event instead of breaking into a call to Java."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = signal.signal(signal.SIGINT, lambda *_: event.set())
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
