"""Flink inside the kernel: one small cluster in one Java process, with a streaming and a batch environment on it.

Where WORKSHOP_FLINK_CLUSTER names a session cluster (session.py), the Java process is that one's client instead.
"""

import pickle
import sys

from . import session
from .aws import Aws
from .jvm import Jvm

LOOPBACK = "127.0.0.1"
PARALLELISM = 4  # of a paragraph, as in the workshop's Studio
SLOTS = 32  # of the kernel's Flink: the tasks of a paragraph beside each other
CATALOG = "hive"  # the catalog's name in Studio
OPTIONS = {
    "rest.address": LOOPBACK,
    "rest.bind-address": LOOPBACK,
    "rest.bind-port": "0",
    "jobmanager.rpc.address": LOOPBACK,
    "jobmanager.bind-host": LOOPBACK,
    "taskmanager.host": LOOPBACK,
    "taskmanager.bind-host": LOOPBACK,
    "taskmanager.numberOfTaskSlots": str(SLOTS),
    "slot.request.timeout": "30000",  # then a job that finds no free slot fails and says so
    "taskmanager.memory.network.min": "64mb",
    "taskmanager.memory.network.max": "64mb",
    "taskmanager.memory.managed.size": "512mb",  # taken when used; shared by all slots, and windows in one chain share a slot's part
    "restart-strategy.type": "none",  # else a failing job restarts for ever, silently
    "web.submit.enable": "false",
    "web.cancel.enable": "true",
    "metrics.fetcher.update-interval": "1000",
    "table.local-time-zone": "UTC",
    # changes of an aggregation are sent on in small batches instead of two a record
    "table.exec.mini-batch.enabled": "true",
    "table.exec.mini-batch.allow-latency": "200 ms",
    "table.exec.mini-batch.size": "5000",
}


class Cluster:
    """The cluster and its environments: `st_env`, `bt_env`, `s_env`, `b_env`.

    Args:
        jvm: a running Java process; this connects to it.
        options: Flink options beside OPTIONS, such as where S3 is.

    Raises:
        FlinkError: the session cluster does not answer, or has no slots.
    """

    def __init__(self, jvm: Jvm, options: dict[str, str]):
        self.jvm = jvm
        self._keys = ""  # the file of the keys for a session cluster
        self.gateway = jvm.connect()
        java = self.java = self.gateway.jvm
        python = {
            "python.executable": session.python() if session.chosen() else sys.executable,
            "python.client.executable": sys.executable,
        }  # not what PATH names
        settings = OPTIONS | python | options
        conf = _configuration(java, settings)
        self._plugins = java.org.apache.flink.core.plugin.PluginUtils.createPluginManagerFromRootFolder(conf)
        java.org.apache.flink.core.fs.FileSystem.initialize(conf, self._plugins)
        self.web = session.chosen() or self._start(conf, int(settings["taskmanager.numberOfTaskSlots"]))
        self.client_options = session.client_options(self.web)
        parallelism = min(PARALLELISM, session.slots(self.web)) if session.chosen() else PARALLELISM
        self._make_environments(_configuration(java, settings | self.client_options), parallelism)

    def _start(self, conf, slots: int) -> str:
        """Start a cluster in the Java process and return its web address."""
        cluster = self.java.org.apache.flink.runtime.minicluster
        built = cluster.MiniClusterConfiguration.Builder().setConfiguration(conf).setNumTaskManagers(1)
        self._mini = cluster.MiniCluster(built.setNumSlotsPerTaskManager(slots).build())
        self._mini.start()
        return self._mini.getRestAddress().get().toString()

    def _make_environments(self, conf, parallelism: int) -> None:
        from pyflink.datastream import RuntimeExecutionMode, StreamExecutionEnvironment
        from pyflink.table import EnvironmentSettings, StreamTableEnvironment

        java_environment = self.java.org.apache.flink.streaming.api.environment.StreamExecutionEnvironment
        self.s_env = StreamExecutionEnvironment(java_environment(conf))
        self.b_env = StreamExecutionEnvironment(java_environment(conf.clone()))
        # as in the workshop's Studio; a subtask for each shard also keeps their watermarks apart: in one subtask the records of the shard that is
        # read second would be late
        self.s_env.set_parallelism(parallelism)
        self.b_env.set_parallelism(1)
        self.b_env.set_runtime_mode(RuntimeExecutionMode.BATCH)
        self.st_env = StreamTableEnvironment.create(self.s_env, EnvironmentSettings.in_streaming_mode())
        # a source that has read a closed shard to its end turns idle, and Flink then keeps the last small batch of that subtask for ever when it
        # aggregates there first: the records of split and merged shards would be missing
        self.st_env.get_config().set("table.optimizer.agg-phase-strategy", "ONE_PHASE")
        self.bt_env = StreamTableEnvironment.create(self.b_env, EnvironmentSettings.in_batch_mode())
        self.catalog = self.java.org.apache.flink.table.catalog.GenericInMemoryCatalog(CATALOG, "default")
        for environment in (self.st_env, self.bt_env):
            environment._j_tenv.registerCatalog(CATALOG, self.catalog)
            environment.use_catalog(CATALOG)

    def adopt_thread(self) -> None:
        """Prepare the Java thread of this Python thread for Flink's planner, as the environments' own thread was by their making."""
        java = self.java
        provider = java.org.apache.flink.table.planner.plan.metadata.FlinkDefaultRelMetadataProvider.INSTANCE()
        metadata = java.org.apache.calcite.rel.metadata
        metadata.RelMetadataQueryBase.THREAD_PROVIDERS.set(metadata.JaninoRelMetadataProvider.of(provider))

    def set_file_systems(self, options: dict[str, str]) -> None:
        """Use other options for `s3://` from now on."""
        conf = _configuration(self.java, OPTIONS | options)
        self.java.org.apache.flink.core.fs.FileSystem.initialize(conf, self._plugins)

    def set_properties(self, properties: dict[str, str]) -> None:
        """Set Java's system properties."""
        for name, value in properties.items():
            self.java.System.setProperty(name, value)

    def work_as(self, aws: Aws) -> None:
        """Give the connectors this AWS and its keys: as Java's system properties, and to a session cluster in a file that the jobs name."""
        properties = aws.key_properties() | aws.connector_properties()
        if session.chosen() and (keys := aws.session.get_credentials()):
            file = self.jvm.folder / "keys"
            session.write_keys(file, *keys.get_frozen_credentials()[:3])
            properties["workshop.aws.keys"] = self._keys = str(file)
        self.set_properties(properties)

    def kinesis_options(self, aws: Aws) -> dict[str, str]:
        """Return what Kinesis connectors of the DataStream API need beside their own, after work_as; tables get it in java/AWSOptionUtils.java."""
        return aws.kinesis_options() | (session.key_options(self._keys) if self._keys else {})

    def warm_up(self) -> None:
        """Run a small query in an environment of its own, so that the first paragraph finds Flink's planner and REST client warm."""
        from pyflink.table import EnvironmentSettings, StreamTableEnvironment

        environment = StreamTableEnvironment.create(self.s_env, EnvironmentSettings.in_streaming_mode())
        changes = self.collect(
            environment.execute_sql("SELECT a, COUNT(*) FROM (VALUES ('x'), ('y')) AS t(a) GROUP BY a")
        )
        while not changes.finished:
            changes.take(100)

    def skipped(self, job: str) -> int:
        """How many records of streams a job has skipped, because they were not as the table says."""
        connector = self.java.org.apache.flink.streaming.connectors.kinesis.serialization
        return connector.KinesisDeserializationSchemaWrapper.skipped(job)

    def collect(self, table_result, time_zone: str = "UTC") -> "Changes":
        """Start to take the changes of a query that was submitted; `time_zone` is that of the session, in which moments are shown."""
        collector = self.java.flink_studio.RowCollector()
        collector.start(table_result._j_table_result.collect(), time_zone)
        return Changes(collector)


class Changes:
    """The changes of one running query, in bulk."""

    def __init__(self, collector):
        self._collector = collector

    def take(self, milliseconds: int) -> tuple[bytes, tuple]:
        """All waiting changes as (kinds, rows); both empty when none came in so many milliseconds."""
        pickled = self._collector.drain(milliseconds)
        return pickle.loads(pickled) if pickled else (b"", ())

    @property
    def finished(self) -> bool:
        """Whether the query has ended and all its changes were taken."""
        return self._collector.isFinished()

    @property
    def failure(self):
        """The Java exception that ended the query, or None."""
        return self._collector.getFailure()


def _configuration(java, options: dict[str, str]):
    conf = java.org.apache.flink.configuration.Configuration()
    for name, value in options.items():
        conf.setString(name, value)
    return conf
