"""Make what Flink runs in: an environment of its own, a private FLINK_HOME, the class archive.

It runs in the project's main environment. A second call finds everything made and does nothing.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from infra import project
from infra.engines import jars, java

FOLDER = Path(__file__).resolve().parent
ENVIRONMENT = project.ROOT / ".venv-flink"
HOME = project.ROOT / ".workshop" / "flink"
# Flink's Parquet format; Parquet itself and Hadoop's client are those that Spark brings (the bundle flink-sql-parquet is not on Maven's public mirrors)
PARQUET = {
    "org.apache.flink:flink-parquet:1.20.1": "da897630b713506e2e5e92b40edda23629ec6291e0461c2717f844eece03e2a0",
}
SPARK_JARS = (
    "parquet-*.jar",
    "hadoop-client-api-*.jar",
    "hadoop-client-runtime-*.jar",
    "snappy-java-*.jar",
    "zstd-jni-*.jar",
)


class FlinkSetupError(RuntimeError):
    """The kernel could not be made; the message says what failed and what to do."""


def make() -> None:
    """Make everything that is missing.

    Raises:
        FlinkSetupError: uv is missing or fails, or the class archive cannot be made.
        RuntimeError: no Java 17, or a jar cannot be downloaded or has a wrong checksum.
    """
    home, archive, stamp = HOME / "home", HOME / "flink.jsa", HOME / "made-from"
    wanted = _fingerprint()
    if not (stamp.is_file() and stamp.read_text() == wanted and is_made()):
        stamp.unlink(missing_ok=True)
        _sync_environment()
        _make_home(home)
        _make_archive(archive)
        stamp.write_text(wanted)


def is_made() -> bool:
    """Whether the environment and the Flink folder are there (tests that need them skip otherwise)."""
    return python().is_file() and (HOME / "home" / "lib").is_dir()


def kernel_environment() -> dict[str, str]:
    """The environment variables of the kernel's process: where the project, Java and Flink are."""
    return {
        "PYTHONPATH": str(project.ROOT),
        "JAVA_HOME": str(java.java_home()),
        "FLINK_HOME": str(HOME / "home"),
        "FLINK_STUDIO_ARCHIVE": str(HOME / "flink.jsa"),
        "FLINK_STUDIO_RUN": str(HOME / "run"),
        "WORKSHOP_PYTHON": sys.executable,
    }


def python() -> Path:
    """Return the Python of the environment."""
    return ENVIRONMENT / "bin" / "python"


def _fingerprint() -> str:
    """What the environment, the folder and the archive are made from: any change makes them anew."""
    digest = hashlib.sha256()
    sources = [FOLDER / "uv.lock", FOLDER / "environment.py"]
    sources += [FOLDER / name for name in ("jvm.py", "cluster.py", "archive.py", "log4j.properties")]
    sources += sorted((FOLDER / "java").glob("*.java"))
    for source in sources:
        digest.update(source.read_bytes())
    digest.update(repr([jars.FLINK_LIB, SPARK_JARS, jars.FLINK_S3_PLUGIN, str(java.java_home())]).encode())
    # Java takes no archive of jars that were written since, as by a new environment, and then starts slowly without a word
    digest.update(repr([jar.stat().st_mtime_ns for jar in _spark_jars()]).encode())
    return digest.hexdigest()


def _sync_environment() -> None:
    uv = shutil.which("uv") or str(project.ROOT / ".workshop" / "uv" / "bin" / "uv")
    command = [uv, "sync", "--frozen", "--quiet", "--project", str(FOLDER), "--python", sys.executable]
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"} | {
        "UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT)
    }
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise FlinkSetupError("uv was not found: run `make setup`, which fetches it.") from error
    if done.returncode:
        raise FlinkSetupError(f"uv could not make the environment of the Flink kernel: {done.stderr.strip()[-500:]}")


def _make_home(place: Path) -> None:
    """A FLINK_HOME of our own: links to pyflink's jars and the connectors. Nothing is written into site-packages."""
    pyflink = next(ENVIRONMENT.glob("lib/python*/site-packages/pyflink"))
    home = place.with_suffix(".new")
    shutil.rmtree(home, ignore_errors=True)
    for folder in ("lib", "opt", "conf", "plugins/s3-fs-hadoop"):
        (home / folder).mkdir(parents=True)
    shutil.copytree(pyflink / "bin", home / "bin")
    for script in (home / "bin").iterdir():
        script.chmod(0o755)
    for jar in (pyflink / "lib").glob("*.jar"):
        if jar.name.startswith("flink-table-planner-loader"):
            # the loader unpacks the planner into a class loader of its own at each start, where no class archive helps
            with zipfile.ZipFile(jar) as loader:
                loader.extract("flink-table-planner.jar", home / "lib")
        else:
            (home / "lib" / jar.name).symlink_to(jar)
    for jar in (pyflink / "opt").glob("*.jar"):
        (home / "opt" / jar.name).symlink_to(jar)
    for jar in jars.fetch(jars.FLINK_LIB | PARQUET) + _spark_jars():
        (home / "lib" / jar.name).symlink_to(jar)
    for jar in jars.fetch(jars.FLINK_S3_PLUGIN):
        (home / "plugins" / "s3-fs-hadoop" / jar.name).symlink_to(jar)
    shutil.copy(FOLDER / "log4j.properties", home / "conf" / "log4j.properties")
    (home / "conf" / "config.yaml").write_text("# options are set by the kernel (cluster.py)\n")
    shutil.rmtree(place, ignore_errors=True)
    home.rename(place)


def _spark_jars() -> list[Path]:
    pyspark = importlib.util.find_spec("pyspark")
    assert pyspark is not None and pyspark.origin is not None, "pyspark is installed"
    folder = Path(pyspark.origin).parent / "jars"
    return [jar for pattern in SPARK_JARS for jar in sorted(folder.glob(pattern))]


def _make_archive(archive: Path) -> None:
    """Application class data sharing: the classes of a first paragraph, parsed and verified once (5 s off each start)."""
    archive.unlink(missing_ok=True)
    command = [str(python()), "-W", "ignore", "-m", "infra.engines.flink.archive", str(archive)]
    environment = os.environ | kernel_environment()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode or not archive.is_file():
        raise FlinkSetupError(f"The class archive of the Flink kernel could not be made: {done.stderr.strip()[-500:]}")
