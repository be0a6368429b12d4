"""JupyterHub's proxy, configurable-http-proxy: fetched from npm at first use, by the lock file beside this, whose checksums npm compares."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPT = Path("node_modules/configurable-http-proxy/bin/configurable-http-proxy")
NODE = 20
INSTALL = "Install it (Debian, Ubuntu: apt install nodejs npm; macOS: brew install node; conda install nodejs), then repeat the command."


class NoProxy(RuntimeError):
    """The proxy cannot run here; the message says what to install."""


def command(folder: Path) -> list[str]:
    """Return the command that starts the proxy; it is fetched into `folder` when it is not there. Raises NoProxy."""
    node = _node()
    lock = HERE / "package-lock.json"
    kept = folder / "package-lock.json"
    if not (folder / SCRIPT).exists() or kept.read_bytes() != lock.read_bytes():
        _fetch(folder)
    return [node, str(folder / SCRIPT)]


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        raise NoProxy(f"JupyterHub's proxy needs Node {NODE} or newer, and there is none here. {INSTALL}")
    told = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    version = re.match(r"v(\d+)", told)
    if version is None or int(version[1]) < NODE:
        raise NoProxy(f"JupyterHub's proxy needs Node {NODE} or newer; {node} is {told.strip() or 'broken'}. {INSTALL}")
    return node


def _fetch(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NoProxy(f"JupyterHub's proxy is fetched by npm, and there is none here. {INSTALL}")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder / name)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise NoProxy(f"npm could not fetch JupyterHub's proxy: {done.stderr.strip()[-500:]}")
