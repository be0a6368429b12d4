"""Runs paragraphs: the part that knows Jupyter, Flink and the catalog."""

import re
from contextlib import contextmanager

from IPython.display import display
from py4j.protocol import Py4JError

from .changelog import UpdateView
from .errors import FlinkError
from .jobs import Job
from .paragraph import Options, ParagraphError, Statement, parse
from .screen import Result
from .watching import TAKE_MS, Watching, interrupts

NAMES = re.compile(r"\b(st_env|bt_env|s_env|b_env|z)\b")
# its job would start before the catalog knows the table, and so without the endpoint of the profile
MAKES_STREAM = re.compile(r"CREATE\b.*\bTABLE\b.*'connector'\s*=\s*'kinesis'.*\)\s*AS\s+(?:SELECT|WITH)\b", re.I | re.S)


class Studio(Watching):
    """One kernel's paragraphs."""

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

    async def _query(self, environment, statement: Statement, options: Options) -> None:
        streaming = environment is self.cluster.st_env
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
        streaming = table._t_env is self.cluster.st_env
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

    def _insert(self, environment, table_result, statement: Statement, options: Options) -> None:
        job = Job.of(table_result, options.job_name or " ".join(statement.text.split())[:60])
        assert isinstance(job, Job), "what inserts is a job"
        if environment is self.cluster.bt_env:
            with interrupts() as interrupted:
                state = job.wait(interrupted)
            if interrupted.is_set():
                raise KeyboardInterrupt
            if state != "FINISHED":
                raise FlinkError(f"The job failed: {job.failure(self.cluster.web)}")
            print("The job has finished.")
            return
        state = job.wait_until_running()
        if state == "FAILED":
            raise FlinkError(f"The job failed: {job.failure(self.cluster.web)}")
        if state == "FINISHED":
            print("The job has finished.")
            return
        self.jobs.append(job)
        print("The job runs in the background until z.cancel(), or until the kernel ends.")
        if self.has_front_end():
            display(job.card(self.cluster.web))

    def _report_failed_jobs(self) -> None:
        for job in [job for job in self.jobs if job.state() in ("FAILED", "CANCELED", "FINISHED")]:
            self.jobs.remove(job)
            if job.state() == "FAILED":
                print(f"The job {job.name!r} failed: {job.failure(self.cluster.web)}")

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
        changes = self.cluster.collect(table_result, self._time_zone)
        view = UpdateView(in_order=True)
        while not changes.finished:
            view.apply(*changes.take(TAKE_MS))
        result = Result(list(schema.getColumnNames()), [t.toString() for t in schema.getColumnDataTypes()], view)
        if statement.words[0] == "EXPLAIN" or statement.words[:2] == ["SHOW", "CREATE"]:
            print("\n".join(str(row[0]) for row in view.rows()))
        else:
            display({"text/plain": result.table_text(), "text/html": result.table_html()}, raw=True)

    @contextmanager
    def _configured(self, environment, options: Options):
        """The paragraph's parallelism and job name, for this paragraph only."""
        configuration = environment.get_config().get_configuration()
        jobs = self.cluster.s_env if environment is self.cluster.st_env else self.cluster.b_env
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
