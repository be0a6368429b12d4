"""Managed Service for Apache Flink: applications by name, and what becomes of them at the start and the stop of the server.

Processes end with the server; after a restart, running applications go on from their last checkpoint.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from moto.kinesisanalyticsv2.models import KinesisAnalyticsV2Backend, kinesisanalyticsv2_backends

from infra.local.core import contents, state
from infra.local.flink import transitions as flink_transitions
from infra.local.flink.configuration import (
    error,
)
from infra.local.flink.record import SERVICE, FlinkApplication
from infra.local.flink.run import BEGINNING

log = logging.getLogger("workshop.flink_applications")


class LocalFlinkBackend(KinesisAnalyticsV2Backend):
    """Applications that run."""

    applications: dict[str, FlinkApplication]

    def find(self, name: str) -> FlinkApplication:
        if name not in self.applications:
            raise error("ResourceNotFoundException", f"Application {name} could not be found.")
        return self.applications[name]

    def find_by_arn(self, arn: str) -> FlinkApplication:
        for application in self.applications.values():
            if application.application_arn == arn:
                return application
        raise error("ResourceNotFoundException", f"Application {arn} could not be found.")

    def drop(self, application: FlinkApplication) -> None:
        del self.applications[application.application_name]
        self.tagger.delete_all_tags_for_resource(application.application_arn)
        state.afterwards(lambda: _remove(application.folder))


def carry(live: LocalFlinkBackend, stored: LocalFlinkBackend) -> None:
    """Let the applications that threads work on be what is on disk of them."""
    for name, application in live.applications.items():
        if name in stored.applications and stored.applications[name].created == application.created:
            state.follow(application, stored.applications[name])


kinesisanalyticsv2_backends.backend = LocalFlinkBackend
BACKENDS = kinesisanalyticsv2_backends


def _remove(folder: Path) -> None:
    contents.gone(folder)
    shutil.rmtree(folder, ignore_errors=True)


def resume() -> None:
    """After a restart of the server: what ran, runs again from its last checkpoint; what was on its way is brought to an end."""
    for account, region, backend in list(kinesisanalyticsv2_backends.iter_backends()):
        for application in list(backend.applications.values()):
            _clear(application)
            for snapshot in application.snapshots.values():
                if snapshot["SnapshotStatus"] == "CREATING":
                    snapshot["SnapshotStatus"] = "FAILED"
            _resume(backend, application)
        state.save(SERVICE, account, region)


def _clear(application: FlinkApplication) -> None:
    """End and remove what a server that was killed has left of an application."""
    from infra.engines.flink import FlinkError, process

    try:
        process.clear(application.run_folder)
    except FlinkError as error:  # its next start tries again
        log.warning("application %s: %s", application.application_name, error)


def _resume(backend: LocalFlinkBackend, application: FlinkApplication) -> None:
    status, operation = application.application_status, application.current
    if status == "STOPPING" and application.snapshots_enabled:  # its snapshot was not taken: it must not lose its state
        application.finish(operation, "The local AWS ended while the snapshot was taken.")
        application.application_status = "RUNNING"
        flink_transitions.begin(application, "")
    elif status in ("STOPPING", "FORCE_STOPPING"):
        flink_transitions.stopped(application, operation)
    elif status == "DELETING":
        backend.drop(application)
    elif status == "UPDATING":
        flink_transitions.restart(application, operation)
    elif status == "RUNNING" or status in BEGINNING:
        flink_transitions.begin(application, operation)


def stop() -> None:
    """End every process; the applications stay as they are on disk and go on at the next start."""
    flink_transitions.end_all()
