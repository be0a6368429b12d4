"""Which tables and partitions a crawler makes of a bucket's folders.

Folders of one level whose files are alike become partitions of one table at their parent; folders that differ become tables of their own.
Sources: https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-folder-table-partition.html, crawler-grouping-policy.html, crawler-table-level.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote

from infra.local.glue.crawler.content import UNKNOWN, Content
from infra.local.glue.crawler.schema import are_similar

MAJORITY = 0.7  # a level's folders make one table when more than this part of them is alike …
MOST_CLUSTERS = 5  # … and they are of no more than this many sorts
NAME_LENGTH = 128


@dataclass(frozen=True)
class File:
    """One object that was looked at: key in the bucket, bytes, content."""

    key: str
    size: int
    content: Content


@dataclass
class Leaf:
    """Files of one kind in one folder. `folder` is the key prefix with its slash, or the key of a single file."""

    folder: str
    files: list[File]
    levels: tuple[str, ...] = ()  # folder names from the table's folder down to here

    @cached_property
    def content(self) -> Content:
        """What all files together hold."""
        whole = self.files[0].content
        for file in self.files[1:]:
            whole = whole.combine(file.content)
        return whole

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


@dataclass
class Group:
    """Leaves that are alike: a table, or a part of one further up. `location` is the key prefix of its root."""

    location: str
    leaves: list[Leaf]
    content: Content = field(default_factory=Content)

    @property
    def depth(self) -> int:
        return len(self.leaves[0].levels)


@dataclass
class Folder:
    prefix: str
    files: list[File] = field(default_factory=list)
    folders: dict[str, Folder] = field(default_factory=dict)


def tables(files: Iterable[File], include: str, combine: bool = False, level: int | None = None) -> list[Group]:
    """Return the tables of an include path.

    Parameters
    ----------
    files: all files below the include path
    include: the include path's key prefix, with its slash ("" for the bucket), or the key of a single file
    combine: CombineCompatibleSchemas: only format, compression and path decide, not how similar the schemas are
    level: TableLevelConfiguration: the level of the folders that are tables (the bucket is level 1)
    """
    root = _tree(files, include)
    if include and not include.endswith("/"):
        return [Group(include, [Leaf(include, root.files)], root.files[0].content)] if root.files else []
    return _groups(root, combine, level)


def _tree(files: Iterable[File], include: str) -> Folder:
    root = Folder(include)
    for file in files:
        folder = root
        for name in file.key[len(include) :].split("/")[:-1]:
            if name not in folder.folders:
                folder.folders[name] = Folder(f"{folder.prefix}{name}/")
            folder = folder.folders[name]
        folder.files.append(file)
    return root


def _groups(folder: Folder, combine: bool, level: int | None) -> list[Group]:
    """Return the groups of a folder: one at the folder itself when all below it is alike, else one or more for each part."""
    here = folder.prefix.count("/") + 1
    is_table_level = level is not None and here >= level
    parts = _file_groups(folder, combine or is_table_level)
    rest: list[Group] = []
    for name, child in folder.folders.items():
        for group in _groups(child, combine, level):
            if group.location == child.prefix:
                parts.append(_raised(group, name, folder.prefix))
            else:
                rest.append(group)
    if level is not None and here < level:
        return [_lowered(part) for part in parts] + rest
    return _joined(folder, parts, combine or is_table_level) + rest


def _joined(folder: Folder, parts: list[Group], combine: bool) -> list[Group]:
    """Return one group for the parts that are alike when they are the most, and the others as they were."""
    if folder.files and folder.folders and not combine:  # files beside folders: each of both is a table of its own
        return [group for part in parts for group in _apart(part, folder)]
    clusters = _clusters(parts, combine)
    if not clusters:
        return []
    largest = max(clusters, key=len)
    share = 1.0 if combine else len(largest) / len(parts)
    if share <= MAJORITY or len(clusters) > MOST_CLUSTERS:
        return [_lowered(part) for part in parts]
    others = [
        group for cluster in clusters if cluster is not largest for part in cluster for group in _apart(part, folder)
    ]
    return [_merged(folder.prefix, largest), *others]


def _clusters(parts: list[Group], combine: bool) -> list[list[Group]]:
    """Sort groups into clusters of one format, compression and depth, and of similar schemas unless `combine`."""
    clusters: list[list[Group]] = []
    for part in parts:
        for cluster in clusters:
            first = cluster[0]
            same_kind = first.content.kind == part.content.kind and first.depth == part.depth
            if same_kind and (combine or are_similar(first.content.schema, part.content.schema)):
                cluster.append(part)
                break
        else:
            clusters.append([part])
    return clusters


def _file_groups(folder: Folder, combine: bool) -> list[Group]:
    """Return the groups of the files that lie in the folder itself: one when they are alike, else one for each file."""
    files = [file for file in folder.files if file.content.classification != UNKNOWN] or folder.files
    groups = [Group(file.key, [Leaf(file.key, [file])], file.content) for file in files]
    clusters = _clusters(groups, combine)
    if not clusters:
        return []
    largest = max(clusters, key=len)
    if len(largest) / len(groups) <= MAJORITY and not combine:
        return groups
    others = [group for cluster in clusters if cluster is not largest for group in cluster]
    leaf = Leaf(folder.prefix, [group.leaves[0].files[0] for group in largest])
    return [Group(folder.prefix, [leaf], leaf.content), *others]


def _raised(group: Group, name: str, prefix: str) -> Group:
    """Return a child's group as seen from its parent folder: one level deeper."""
    leaves = [Leaf(leaf.folder, leaf.files, (name, *leaf.levels)) for leaf in group.leaves]
    return Group(prefix, leaves, group.content)


def _lowered(group: Group) -> Group:
    """Return a group at its own folder again, when it does not become part of its parent."""
    first = group.leaves[0]
    if not first.levels:
        return group
    location = f"{group.location}{first.levels[0]}/"
    leaves = [Leaf(leaf.folder, leaf.files, leaf.levels[1:]) for leaf in group.leaves]
    return Group(location, leaves, group.content)


def _apart(group: Group, folder: Folder) -> list[Group]:
    """Return a group that does not become part of its folder's table; files of the folder itself are a table each."""
    if group.depth or group.location != folder.prefix:
        return [_lowered(group)]
    return [Group(file.key, [Leaf(file.key, [file])], file.content) for file in group.leaves[0].files]


def _merged(location: str, parts: Sequence[Group]) -> Group:
    content = parts[0].content
    for part in parts[1:]:
        content = content.combine(part.content)
    return Group(location, [leaf for part in parts for leaf in part.leaves], content)


# --- names ----------------------------------------------------------------------------------------------------------


def table_name(location: str, bucket: str, prefix: str = "") -> str:
    """Return a table's name: that of its folder (or file, or bucket), in lower case, every other character an underscore."""
    last = location.rstrip("/").rpartition("/")[2] or bucket
    return (prefix.lower() + re.sub(r"[^a-z0-9_]", "_", last.lower()))[:NAME_LENGTH]


def unique_name(name: str, location: str) -> str:
    """Return the name of a table whose own name is taken: with a hash of its location."""
    digest = hashlib.md5(location.encode(), usedforsecurity=False).hexdigest()
    return f"{name[: NAME_LENGTH - 33]}_{digest}"


def partition_keys(group: Group) -> list[str]:
    """Return the names of a table's partition columns: those of `key=value` folders, else partition_0, partition_1, …"""
    keys: list[str] = []
    for at in range(group.depth):
        names = {leaf.levels[at].partition("=")[0].lower() for leaf in group.leaves if "=" in leaf.levels[at]}
        is_hive = len(names) == 1 and all("=" in leaf.levels[at] for leaf in group.leaves)
        keys.append(names.pop() if is_hive else f"partition_{at}")
    return keys


def partition_values(leaf: Leaf, keys: Sequence[str]) -> list[str]:
    """Return a leaf's values, without `key=` where the column has the key's name."""
    values = []
    for level, key in zip(leaf.levels, keys, strict=True):
        name, _, value = level.partition("=")
        values.append(unquote(value) if name.lower() == key else level)
    return values


# --- which objects --------------------------------------------------------------------------------------------------


def is_hidden(path: str) -> bool:
    """Tell whether a path below the include path is one that Hive and the crawler pass over: a part of it begins with _ or a dot."""
    return any(part[:1] in ("_", ".") for part in path.split("/"))
