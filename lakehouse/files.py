"""What the log of a young local table says: the files that hold its rows, and how it was made.

To plan a scan, Delta reads the log by three jobs of Spark's: more than a second where a table is met for the first
time, which a step over dozens of small tables pays for each. The log of a young table is a few JSON files; what stands
in them is said in Delta's protocol (https://github.com/delta-io/delta/blob/master/PROTOCOL.md).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from pyspark.sql import types as T

from lakehouse.history import commits_in

MOST = 200  # commits, and files: Spark's driver lists as many in the time of a small job
CLUSTERING = "delta.clustering"  # the domain in which Delta notes by which columns a table is clustered


@dataclass(frozen=True)
class Files:
    """Of one version of a table: its columns and properties, by which columns it is clustered, the files that hold its
    rows, and how many these are."""

    schema: T.StructType
    properties: Mapping[str, str]
    clustered_by: tuple[str, ...]
    paths: list[str]
    rows: int | None  # where the log tells of each file how many it holds


def files_of(table: Path) -> Files | None:
    """None where the table is not young, or its log asks its readers for more than to read whole files. Of a log that
    is damaged Delta says where."""
    try:
        return told_by(table, commits_in(table / "_delta_log"))
    except (FileNotFoundError, ValueError):  # a commit of a year ago that is cleaned up at this moment; no JSON
        return None


def told_by(table: Path, commits: Sequence[Path]) -> Files | None:
    if not commits or len(commits) > MOST or int(commits[0].stem) != 0 or int(commits[-1].stem) != len(commits) - 1:
        return None
    metadata: dict = {}
    clustered_by: tuple[str, ...] = ()
    paths: dict[str, int | None] = {}
    for commit in commits:
        for action in map(json.loads, commit.read_text(encoding="utf-8").rstrip("\n").split("\n")):
            if action.get("protocol", {}).get("minReaderVersion", 1) > 1:
                return None
            metadata = action.get("metaData", metadata)
            if (domain := action.get("domainMetadata", {})).get("domain") == CLUSTERING:
                columns = [] if domain["removed"] else json.loads(domain["configuration"])["clusteringColumns"]
                clustered_by = tuple(".".join(parts) for parts in columns)
            if gone := action.get("remove"):
                paths.pop(gone["path"], None)
            if added := action.get("add"):
                paths[added["path"]] = json.loads(added.get("stats") or "{}").get("numRecords")
    is_elsewhere = any(path.startswith("/") or ":" in path for path in paths)  # as in a clone
    if not metadata or metadata["partitionColumns"] or is_elsewhere or len(paths) > MOST:
        return None
    schema = T.StructType.fromJson(json.loads(metadata["schemaString"]))
    counts = [rows for rows in paths.values() if rows is not None]
    rows = sum(counts) if len(counts) == len(paths) else None
    there = [without_glob(str(table / unquote(path))) for path in paths]
    return Files(schema, metadata.get("configuration", {}), clustered_by, there, rows)


def without_glob(path: str) -> str:
    """The path, with what Spark would take for a pattern escaped.

    >>> without_glob("/landing/a[1].parquet")
    '/landing/a\\\\[1\\\\].parquet'
    """
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", path)
