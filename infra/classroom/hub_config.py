"""JupyterHub's configuration for a class; `workshop class` starts the hub with it, and tells it its plan in WORKSHOP_CLASS_PLAN."""

import json
import os
import sys
from pathlib import Path

from infra.classroom.hub import ClassAuthenticator, ClassSpawner

plan = json.loads(os.environ["WORKSHOP_CLASS_PLAN"])
folder = Path(plan["folder"])
c = get_config()  # type: ignore[name-defined]  # noqa: F821  JupyterHub gives it

c.JupyterHub.bind_url = f"http://{plan['address']}:{plan['port']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{plan['hub_port']}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{plan['proxy_port']}"
c.ConfigurableHTTPProxy.command = plan["proxy"]
c.ConfigurableHTTPProxy.log_level = "error"
c.ConfigurableHTTPProxy.pid_file = str(folder / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{folder / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(folder / "cookie_secret")
c.JupyterHub.cleanup_servers = True  # learners' servers end with the class
c.JupyterHub.log_level = "WARN"

c.JupyterHub.authenticator_class = ClassAuthenticator
c.ClassAuthenticator.folder = str(folder)
c.Authenticator.allow_all = True  # who knows a password of the class
c.Authenticator.admin_users = {plan["leader"]}

c.JupyterHub.spawner_class = ClassSpawner
c.ClassSpawner.plan = plan
c.Spawner.ip = "127.0.0.1"
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120
c.Spawner.default_url = "/lab/tree/notebooks/00_start_here.ipynb"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = [
    f"--MappingKernelManager.cull_idle_timeout={plan['idle_seconds']}",  # Flink kernels too; one at work is never idle
    "--MappingKernelManager.cull_connected=True",
    "--ServerApp.log_level=WARN",
    "--ServerApp.kernel_manager_class=infra.classroom.kernels.ClassKernelManager",
    "--MappingKernelManager.cull_interval=60",
    *(["--allow-root"] if os.geteuid() == 0 else []),
]

c.JupyterHub.services = [
    {
        "name": "board",
        "url": f"http://127.0.0.1:{plan['board_port']}",
        "command": [sys.executable, "-m", "infra.classroom.board"],
        "environment": {"WORKSHOP_HOME": plan["home"], "WORKSHOP_CLASS_PLAN": os.environ["WORKSHOP_CLASS_PLAN"]},
        "oauth_no_confirm": True,
    },
    {
        "name": "culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={plan['server_idle_seconds']}"],
    },
]
c.JupyterHub.load_roles = [
    {"name": "leads", "scopes": ["access:services!service=board"], "users": [plan["leader"]]},
    {
        "name": "culls",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["culler"],
    },
]
