"""A driver whose tasks run on a standalone cluster: a master and two workers, real ones on loopback."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from infra.engines.spark import cluster
from infra.engines.spark.options import Settings, spark_conf
from tests.engines.spark_cluster import spark_cluster
from tests.engines.spark_session import ACCOUNT, BUCKET, Session

COUNT = """
import json, os
from awsglue.transforms import Map

spark.createDataFrame([(n, n % 3) for n in range(300)], "a int, b int").repartition(4).write.mode("overwrite").parquet("s3://{bucket}/cluster/")

def where(rows):
    import awsglue, boto3  # of the executor
    number = sum(1 for _ in rows)
    s3 = boto3.client("s3")  # the role's keys and the local AWS, from the executor's environment
    yield os.getcwd(), number, s3.list_objects_v2(Bucket="{bucket}", Prefix="cluster/")["KeyCount"], awsglue.__file__

found = spark.read.parquet("s3://{bucket}/cluster/").repartition(4).rdd.mapPartitions(where).collect()
print(json.dumps(found))
"""


def test_tasks_run_in_the_executors_of_a_cluster(server, tmp_path) -> None:
    server.client("s3", ACCOUNT).create_bucket(Bucket=BUCKET + "-cluster")
    with spark_cluster(tmp_path) as running:
        session = Session(server.endpoint, master=running.url, executors=2)
        try:
            session.driver.ready.result(180)
            result = session.submit(COUNT.replace("{bucket}", BUCKET + "-cluster")).result(180)
            assert result["status"] == "ok", result
            found = json.loads(result["stdout"].splitlines()[-1])
            assert len(running.state()["activeapps"]) == 1
        finally:
            session.driver.stop()
    assert sum(number for _, number, _, _ in found) == 300
    folders = {Path(folder).parent.parent.name for folder, *_ in found}
    assert folders and folders <= {
        "worker-0",
        "worker-1",
    }  # not here; a busy computer may have but one executor by then
    assert min(keys for _, _, keys, _ in found) > 1
    assert all(".zip" in file for *_, file in found)


def _settings(master: str, **more: object) -> Settings:
    return Settings("http://127.0.0.1:1", "us-east-1", ACCOUNT, "test", master=master, executors=3, **more)  # type: ignore[arg-type]


def test_what_a_driver_on_a_cluster_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(cluster.CONF, "spark.executor.memory=2g 'spark.app.name=my name'")
    with socket.create_server(("127.0.0.1", 0)) as master:
        url = f"spark://127.0.0.1:{master.getsockname()[1]}"
        conf = spark_conf(_settings(url, conf={"spark.cores.max": "7"}), tmp_path)
    assert conf["spark.master"] == url and conf["spark.driver.host"] == "127.0.0.1"
    assert conf["spark.executor.memory"] == "2g" and conf["spark.app.name"] == "my name"
    assert conf["spark.cores.max"] == "7"  # a job's own --conf wins
    assert "hadoop-aws" in conf["spark.jars"]
    assert "spark.hadoop.hadoop.tmp.dir" not in conf
    assert not any("secret" in value or value == ACCOUNT for value in conf.values())  # this is a command line


@pytest.mark.parametrize("master", ["yarn", "k8s://https://x:6443", "spark://host", "spark://a:1,b:2"])
def test_masters_of_another_form_are_refused(master, tmp_path) -> None:
    with pytest.raises(cluster.ClusterError, match="must be of the form spark://host:7077"):
        spark_conf(_settings(master), tmp_path)


def test_a_master_that_is_not_there_and_settings_that_are_none(tmp_path, monkeypatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"spark://127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv(cluster.CONF, "memory=1g")
        with pytest.raises(cluster.ClusterError, match="'memory=1g' in WORKSHOP_SPARK_CONF is no Spark setting"):
            spark_conf(_settings(url), tmp_path)
    with pytest.raises(cluster.ClusterError, match="does not answer"):
        spark_conf(_settings(url), tmp_path)
