"""The Spark driver: one process a Glue session or job run. `python -m infra.engines.spark.driver <socket number>`.

Statements and jobs run in the main thread, because Python interrupts only that one; messages are read in another.
"""

import contextlib
import os
import queue
import resource
import signal
import socket
import sys
import threading
import time
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from py4j.protocol import Py4JError

from infra.engines.spark import cluster, job, statement, writers
from infra.engines.spark.gateway import Gateway
from infra.engines.spark.options import PYTHON_FOLDER, Settings, java_command, spark_conf
from infra.engines.spark.protocol import CANCELLED, Channel

OUT_OF_MEMORY = "Command Failed due to Out of Memory"
JAVA_OUT_OF_MEMORY = 3  # exit code of Java by -XX:+ExitOnOutOfMemoryError
MEMORY_LIMIT = 4 << 30  # bytes that the Python of a driver may use, or half of the computer's memory if that is less
ROOM = 64 << 20  # bytes of memory without which Python cannot go on
PROGRESS_SECONDS = 0.5
INTERRUPT_SECONDS = 0.3  # how long a cancelled statement may take to notice that its Spark jobs were cancelled
POLITE_INTERRUPTS = 3  # then what catches an interrupt is interrupted too
LATE_SECONDS = 60  # in which Java, which nothing interrupts while it plans, may still submit a cancelled job


class Driver:
    def __init__(self, channel: Channel, settings: Settings, use_catalog: bool):
        self._channel = channel
        self._work: queue.SimpleQueue[dict | None] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._running: int | None = None
        self._interruptible = False
        self._was_interrupted = False
        self._insists = False
        self._jvm = Gateway(java_command(spark_conf(settings, Path.cwd()), settings.extra_jars))
        _limit_memory()  # not before: Java has its own limit, and would inherit this one
        self._start_spark(settings, use_catalog)

    def _start_spark(self, settings: Settings, use_catalog: bool) -> None:
        from pyspark import SparkContext
        from pyspark.sql import SparkSession

        if use_catalog:
            _use_catalog()
        writers.install(Path.cwd().parent / "spark-writers")
        self._jvm.connect()
        threading.Thread(target=self._watch_java, name="java", daemon=True).start()
        if settings.master:
            SparkContext._ensure_initialized()
            for name, value in cluster.executor_environment().items():  # a script may make another context
                SparkContext._jvm.java.lang.System.setProperty(name, value)
        self._first_context = SparkContext.getOrCreate()
        if settings.master:
            cluster.prepare(self._first_context, PYTHON_FOLDER, settings.py_files, Path.cwd())
        # pyspark's own handler talks to the JVM on a connection that may be in the middle of a call
        signal.signal(signal.SIGINT, self._interrupt)
        self.spark = SparkSession.builder.getOrCreate()
        self.spark.range(1).count()  # classes that the first statement would wait for

    @property
    def context(self) -> Any:
        """The SparkContext that is up: the user's code may have stopped the first one and made another."""
        from pyspark import SparkContext

        return SparkContext._active_spark_context or self._first_context

    def _watch_java(self) -> None:
        """End with the reason when Java ends: nothing works without it."""
        code = self._jvm.process.wait()
        if code == JAVA_OUT_OF_MEMORY:
            reason = OUT_OF_MEMORY
        elif code < 0:
            reason = f"Java was killed by signal {-code} ({signal.Signals(-code).name})"
        else:
            reason = f"Java ended with exit code {code}"
        self._fail(reason)

    def _fail(self, reason: str) -> None:
        self._channel.send({"event": "failed", "reason": reason})
        os._exit(1)

    def _java_is_gone(self) -> bool:
        try:
            self.context._gateway.jvm.System.nanoTime()
        except (Py4JError, OSError):
            return True
        return False

    def serve(self) -> None:
        """Read messages in a thread and do the work here, until told to stop."""
        threading.Thread(target=self._read, name="messages", daemon=True).start()
        namespace = _main_module(spark=self.spark, sc=self.context)
        self._channel.send({"event": "ready", "application": self.context.applicationId})
        while (message := self._work.get()) is not None:
            if message["do"] == "catalog":
                _use_catalog()
                continue
            result = self._do(message, namespace)
            self._channel.send({"event": "done", "id": message["id"], "result": result})

    def _do(self, message: dict, namespace: dict) -> dict:
        self._running = message["id"]  # first, so that _cancel sees it or this sees the cancellation
        if message["id"] in self._cancelled:
            self._running = None
            return CANCELLED
        self._channel.send({"event": "started", "id": message["id"]})
        try:
            if message["do"] == "run":
                threading.Thread(target=self._report_progress, args=(message["id"],), daemon=True).start()
                self._with_spark(lambda: self.context.setJobGroup(_group(message["id"]), "statement"))
                result = statement.run(message["code"], namespace, self._interrupts)
            else:
                self._hide_context()
                os.environ |= message["environment"]
                result = job.run(message["script"], message["arguments"], is_spark=True)
        finally:
            self._running = None
        if result["status"] == "error" and _is_out_of_memory():
            self._fail(OUT_OF_MEMORY)
        if result["status"] == "error" and self._java_is_gone():
            self._watch_java()  # the reason is Java's end, not the error that it made here
        if message["id"] in self._cancelled:
            result["status"] = "cancelled"
        return result

    def _hide_context(self) -> None:
        """Give the script's own `SparkContext()` the context that is up, unless it asks for other settings."""
        from pyspark import SparkConf, SparkContext
        from pyspark.sql import SparkSession

        ready, original = self.context, SparkContext._initialize_context
        # what nobody asked for: a running context has changed some of it (on a cluster, where its jars lie)
        settings = [set(SparkConf().getAll()), set(ready.getConf().getAll())]

        def initialize(context, wanted):
            SparkContext._initialize_context = original
            if all(any((pair._1(), pair._2()) in known for known in settings) for pair in wanted.getAll()):
                return ready._jsc
            ready._jsc.stop()
            return original(context, wanted)

        SparkContext._initialize_context = initialize
        SparkContext._active_spark_context = None
        SparkSession._instantiatedSession = None

    # cancelling

    def _interrupts(self, allowed: bool) -> None:
        """Called around the user's code: only that is interrupted, never what reports its result."""
        self._interruptible = allowed
        if not allowed:
            sys.settrace(None)
            self._drop_connection_in_use()

    def _interrupt(self, number, frame) -> None:
        if self._interruptible:
            self._was_interrupted = True
            if self._insists:
                statement.interrupt_at_next_line(frame)
            raise KeyboardInterrupt

    def _drop_connection_in_use(self) -> None:
        """After an interrupt an answer may still come; it must not be read as the answer to the next call."""
        if self._was_interrupted:
            self._was_interrupted = False
            connection = self.context._gateway._gateway_client.get_thread_connection()
            if connection:
                connection.close()

    def _cancel(self, statement_id: int) -> None:
        self._cancelled.add(statement_id)
        if self._running != statement_id:
            return
        self._with_spark(self.context.cancelAllJobs)
        deadline = time.monotonic() + INTERRUPT_SECONDS
        while self._running == statement_id and time.monotonic() < deadline:
            time.sleep(0.02)
        interrupts = 0
        while self._running == statement_id:  # code may catch an interrupt, or start the next Spark job
            self._with_spark(self.context.cancelAllJobs)
            interrupts += 1
            self._insists = interrupts > POLITE_INTERRUPTS
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            time.sleep(INTERRUPT_SECONDS)
        deadline = time.monotonic() + LATE_SECONDS
        while time.monotonic() < deadline:
            self._with_spark(lambda: self.context.cancelJobGroup(_group(statement_id)))
            time.sleep(INTERRUPT_SECONDS)

    @staticmethod
    def _with_spark(call: Callable[[], None]) -> None:
        with contextlib.suppress(Py4JError, AttributeError):  # the user's code may have stopped the SparkContext
            call()

    # messages

    def _read(self) -> None:
        for message in self._channel.messages():
            if message["do"] == "stop":
                break
            if message["do"] == "cancel":
                threading.Thread(target=self._cancel, args=(message["id"],), daemon=True).start()
            else:
                self._work.put(message)
        if self._running is not None:  # the server is gone, or does not want the answer
            os._exit(0)
        self._work.put(None)

    def _report_progress(self, statement_id: int) -> None:
        """Send the share of finished tasks of the running Spark stages, when it changes."""
        tracker, last = self.context.statusTracker(), None
        while True:
            time.sleep(PROGRESS_SECONDS)
            if self._running != statement_id:
                return
            try:
                stages = [info for info in map(tracker.getStageInfo, tracker.getActiveStageIds()) if info]
            except Py4JError:  # the user's code stopped the SparkContext
                return
            tasks = sum(info.numTasks for info in stages)
            progress = sum(info.numCompletedTasks for info in stages) / tasks if tasks else 0.0
            if progress != last and self._running == statement_id:
                self._channel.send({"event": "progress", "id": statement_id, "progress": round(progress, 3)})
                last = progress


def _use_catalog() -> None:
    from infra.engines.spark import datacatalog

    datacatalog.install()


def _group(statement_id: int) -> str:
    """The name of the group that Spark keeps a statement's jobs in."""
    return f"statement-{statement_id}"


def _limit_memory() -> None:
    """Let code that fills the memory end its own driver, not whatever else runs on this computer. No effect on macOS."""
    limit = min(MEMORY_LIMIT, psutil.virtual_memory().total // 2)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _is_out_of_memory() -> bool:
    """Whether the user's objects leave no room to go on; one array that was too large to be made leaves enough."""
    try:
        bytearray(ROOM)
    except MemoryError:
        return True
    return False


def _main_module(**names) -> dict:
    """A fresh `__main__` for the user's code, so that functions defined in it travel to Python workers by value."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = [""]  # a session has no arguments; a job sets its own
    vars(module).update(names)
    return vars(module)


def main() -> None:
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    start = next(channel.messages())
    settings = Settings(**start["settings"])
    try:
        driver = Driver(channel, settings, start["catalog"])
    except Exception as error:
        traceback.print_exc()
        with contextlib.suppress(OSError):  # the server is gone
            channel.send({"event": "failed", "reason": f"Spark could not start: {job.error_message(error)}"})
        os._exit(1)  # threads of a SparkContext that did start would keep this process
    driver.serve()
    os._exit(0)  # Java ends with this process, and what the user's code left running must not keep it


if __name__ == "__main__":
    main()
