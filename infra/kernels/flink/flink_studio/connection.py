"""One kernel's Flink: started in the background, and started again when its Java process has ended."""

import os
import re
import signal
import threading
import time
from contextlib import contextmanager

from py4j.protocol import Py4JError, Py4JJavaError

from infra.engines.flink import connectors, session
from infra.engines.flink.aws import Aws, Profile
from infra.engines.flink.cluster import Cluster
from infra.engines.flink.jvm import Jvm, JvmError, archive_option, profile_variables

from . import errors, whole_rows
from .catalog import GlueCatalog, tables_in
from .errors import FlinkError
from .jobs import Job
from .paragraph import Statement
from .screen import Result
from .zeppelin import Zeppelin, read_stop_after


class Connection:
    """One kernel's Flink: started in the background, started again when its Java process ended.

    Args:
        shell: IPython's shell.
        jvm: the Java process that the kernel started first of all.
    """

    def __init__(self, shell, jvm: Jvm):
        self._shell = shell
        self._jvm = jvm
        self._profile = Profile()
        self._aws: Aws | None = None
        self._time_zone = "UTC"
        self._cluster: Cluster | None = None
        self._catalog: GlueCatalog | None = None
        self._problem: Exception | None = None
        self._are_completed = False  # the connectors of the DataStream API
        self._starting = threading.Thread(target=self._start, daemon=True, name="flink-start")
        self._starting.start()
        self.jobs: list[Job] = []
        self.last_result: Result | None = None
        self.watching = False  # a query is being shown
        self.z = Zeppelin(self, read_stop_after(os.environ.get("FLINK_STOP_AFTER", "")))

    @property
    def cluster(self) -> Cluster:
        """The running Flink, once `ready` was called."""
        assert self._cluster is not None, "a paragraph waits for ready() first"
        return self._cluster

    @property
    def catalog(self) -> GlueCatalog:
        """Glue's Data Catalog in that Flink."""
        assert self._catalog is not None, "a paragraph waits for ready() first"
        return self._catalog

    def _start(self) -> None:
        try:
            aws = self._profile.aws()
            self._cluster = Cluster(self._jvm, aws.flink_options())
            self._aws = aws
            database = os.environ.get("FLINK_GLUE_DATABASE", "analyticsworkshopdb")
            self._catalog = GlueCatalog(self._cluster, database)
            for environment in (self.cluster.st_env, self.cluster.bt_env):
                self._follow_catalog(environment)
        except Exception as error:  # reported by ready(), in the cell that needs Flink
            self._problem = error
            return
        if not self._are_completed:  # once: a second Java process has the same Python
            connectors.complete(lambda: self.cluster.kinesis_options(self._refresh_aws()))
            self._are_completed = True
        self.cluster.warm_up()
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
        cluster = self.cluster
        cluster.adopt_thread()
        names = {"st_env": cluster.st_env, "bt_env": cluster.bt_env, "s_env": cluster.s_env, "b_env": cluster.b_env}
        self._shell.push(names, interactive=False)
        return cluster

    def _restart(self) -> None:
        self._jvm.stop(0)
        self._cluster = self._catalog = self._aws = None
        session.leave(job.id for job in self.jobs)
        self.jobs.clear()
        self._jvm = Jvm(archive_option(), profile_variables())
        self._starting = threading.Thread(target=self._start, daemon=True, name="flink-start")
        self._starting.start()

    def stop(self) -> None:
        """End the Java process and with it every job."""
        session.leave(job.id for job in self.jobs)
        self._jvm.stop(0)

    def _refresh_aws(self) -> Aws:
        """Follow the profile: other endpoints after connect(), renewed keys."""
        aws = self._profile.aws()
        if aws != self._aws:
            self.cluster.set_file_systems(aws.flink_options())
            self._aws = aws
        self.cluster.work_as(aws)
        return aws

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
        aws = self._refresh_aws()
        self.catalog.sync(aws, environment, sql)
        result = method()
        if re.search(r"\b(CREATE|ALTER|DROP)\b", sql, re.I):
            self.catalog.store(aws, environment)
        return result

    def _execute(self, environment, statement: Statement):
        """Run a statement of a paragraph; errors are those of Java."""
        self._time_zone = environment.get_config().get_local_timezone()
        from pyflink.util.exceptions import JavaException

        try:
            return self._execute_sql(environment, statement.text)
        except (Py4JError, JavaException) as error:
            one_column = whole_rows.selected(statement.text)
            if one_column is None or whole_rows.MISCOUNTED not in errors.explain(error).message:
                raise
            print(
                "Flink reads VALUES (ROW(a, b)) as the two columns a and b; this ran as SELECT ROW(a, b), one column."
            )
            return self._execute_sql(environment, one_column)

    def _execute_sql(self, environment, sql: str):
        from pyflink.table import TableResult

        return self._with_catalog(environment, sql, lambda: TableResult(environment._j_tenv.executeSql(sql)))

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

    def has_front_end(self) -> bool:
        """Whether somebody sees the cell: a front end that can answer questions, unlike papermill and nbval."""
        parent = self._shell.kernel.get_parent("shell") or {}
        return bool(parent.get("content", {}).get("allow_stdin"))
