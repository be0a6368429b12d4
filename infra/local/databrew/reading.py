"""The data of a dataset as a frame: the objects that belong to it in S3, or a table of the Data Catalog."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.local.core import state

from .access import Access
from .backend import DataBrewBackend
from .paths import Paths

if TYPE_CHECKING:
    from .engine import Frame, Workspace


def scratch(backend: DataBrewBackend) -> Path:
    """The folder for what sessions and runs keep while they last."""
    path = state.folder("databrew", backend.account_id, backend.region_name) / "work"
    path.mkdir(exist_ok=True)
    return path


def workspace(backend: DataBrewBackend, folder: Path | None = None) -> Workspace:
    """A database of its own that sees this account's files only.

    Parameters
    ----------
    folder: where it puts what does not fit into memory
    """
    from .engine import Workspace

    return Workspace(folders=[state.root() / backend.account_id], spill=folder or scratch(backend))


def other(workspace: Workspace, access: Access, name: str) -> Frame:
    """The dataset that a step names. Raises StepRefused when there is none, DataRefused when it can't be read."""
    from .engine import StepRefused

    if name not in access.backend.datasets:
        raise StepRefused(f"The dataset {name} wasn't found.")
    return frame(workspace, access, name)


def frame(workspace: Workspace, access: Access, name: str) -> Frame:
    """All rows of a dataset. Raises DataRefused with the reason when they can't be read."""
    from .engine import DataRefused

    dataset = access.backend.datasets.get(name)
    if dataset is None:
        raise DataRefused(f"The dataset {name} wasn't found.")
    source = dataset.settings["Input"]
    if "S3InputDefinition" in source:
        return _files(workspace, access, dataset.settings)
    from . import tables

    table = access.table(source["DataCatalogInputDefinition"])
    return tables.frame(workspace, access, table, scratch(access.backend))


def _files(workspace: Workspace, access: Access, settings: dict[str, Any]) -> Frame:
    from .engine import DataRefused, datasets

    definition = settings["Input"]["S3InputDefinition"]
    access.must_own(definition)
    bucket, key = definition["Bucket"], definition.get("Key", "")
    paths = Paths(key, settings.get("PathOptions") or {})
    found = paths.chosen(access.objects(bucket, paths.prefix))
    if not found:
        raise DataRefused(f"No files match the path s3://{bucket}/{key} of the dataset.")
    files = [datasets.File(access.read(bucket, one.key), f"s3://{bucket}/{one.key}", one.columns) for one in found]
    return datasets.read(workspace, files, settings["Format"], settings.get("FormatOptions") or {})
