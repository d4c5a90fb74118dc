"""What writers have done to a table: its commits, with what they noted."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable

from lakehouse.tables import ContractError

# What Delta calls the commits that change rows; the others (OPTIMIZE, VACUUM, properties) do not count.
CHANGES_ROWS = ("WRITE", "MERGE", "DELETE", "UPDATE", "RESTORE")

# And those after which a table has the columns that it had, or more.
KEEPS_COLUMNS = (
    *("CREATE TABLE", "ADD COLUMNS", "CHANGE COLUMN", "CLUSTER BY", "ADD CONSTRAINT", "DROP CONSTRAINT"),
    *("WRITE", "MERGE", "DELETE", "UPDATE", "OPTIMIZE", "VACUUM START", "VACUUM END"),
)

# By which declaration a table was made (among its properties) or written (in the commit's note): its fingerprint.
DECLARED = "orrery.declared"

Entry = Mapping[str, Any]  # of a log: `version`, `operation`, `operationParameters`, `operationMetrics`, `userMetadata`


@dataclass(frozen=True)
class Commit:
    """One commit of a writer, with what it noted, how many rows it wrote, and whether any row is not as before."""

    version: int
    note: Mapping[str, Any]
    rows: int
    is_change: bool


def commits_of(entries: Iterable[Entry]) -> list[Commit]:
    """The commits of writers among the entries."""
    return [
        Commit(
            version=entry["version"],
            note={key: said for key, said in read_note(entry.get("userMetadata")).items() if key != DECLARED},
            rows=int((entry.get("operationMetrics") or {}).get("numOutputRows", 0)),
            is_change=is_change(entry),
        )
        for entry in entries
        if (entry.get("operation") or "").startswith(CHANGES_ROWS)
    ]


def entries_told(table: DeltaTable, most: int | None) -> Iterator[Entry]:
    """The newest entries, or all, newest first, as DESCRIBE HISTORY tells them."""
    return (row.asDict() for row in (table.history(most) if most else table.history()).collect())


def entries_in(log: Path, most: int | None) -> Iterator[Entry]:
    """The same from the files of a local log, without a job of Spark's, which takes longer than many a write. A file
    may be cleaned up meanwhile."""
    for path in commits_in(log)[::-1][:most]:
        with suppress(FileNotFoundError), path.open(encoding="utf-8", errors="replace") as actions:
            if about := info_among(actions, path):
                yield {**about, "version": int(path.stem)}


def info_among(actions: Iterable[str], path: Path) -> Entry | None:
    """What a commit says of itself. One that is torn, as where power was cut, is an error, and not one that says
    nothing: what was added would be added again."""
    first = ""
    for line in actions:
        if line.startswith('{"commitInfo"'):
            return parsed(line, path)["commitInfo"]
        first = first or line
    parsed(first, path)
    return None


def parsed(line: str, path: Path) -> dict[str, Any]:
    try:
        return json.loads(line)
    except ValueError as problem:
        raise ContractError(
            f"Cannot read the table {path.parent.parent}: expected a commit of Delta's in {path.name} of its log, "
            f"found what is no JSON ({problem}).\nPut the table's folder back from a copy."
        ) from problem


def commits_in(log: Path) -> list[Path]:
    """The files of a local log that hold a commit each, oldest first."""
    return sorted(path for path in log.glob("*.json") if path.stem.isdigit())


def declaration_of(log: Path) -> str | None:
    """The fingerprint of the declaration whose columns a local table has, as far as its newest commits tell."""
    for entry in entries_in(log, 10):
        if entry["operation"] not in KEEPS_COLUMNS:
            return None
        made_with = (entry.get("operationParameters") or {}).get("properties")
        if said := {**read_note(made_with), **read_note(entry.get("userMetadata"))}.get(DECLARED):
            return str(said)
    return None


def is_change(entry: Entry) -> bool:
    """Whether rows are not as before: an append of none, and a merge that found all the same, change nothing."""
    metrics = entry.get("operationMetrics") or {}
    if entry["operation"] == "MERGE":
        return any(int(metrics.get(f"numTargetRows{what}", 0)) for what in ("Inserted", "Updated", "Deleted"))
    is_append = (entry.get("operationParameters") or {}).get("mode") == "Append"
    return not is_append or int(metrics.get("numOutputRows", 0)) > 0


def touches(commit: Commit, days: set[str]) -> bool:
    """Whether a commit may have written rows of these days: any may that does not say of which days it is."""
    written = commit.note.get("built_from")
    return not days or not isinstance(written, dict) or not days.isdisjoint(written)


def read_note(text: str | None) -> dict[str, Any]:
    """What a writer noted on its commit; nothing where somebody else wrote it."""
    try:
        note = json.loads(text or "{}")
    except ValueError:
        return {}
    return note if isinstance(note, dict) else {}
