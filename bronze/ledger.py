"""What landed: the tables that say which files were seen, what became of each load, and which rows were refused."""

from lakehouse.rules import OneOf
from lakehouse.tables import Column, Table

FILES = Table(
    name="bronze.files",
    doc="Every file that arrived in the landing folder, each time that it changed, and the load that takes it in.",
    grain="one row per version of a file",
    key=("file", "version"),
    columns={
        "file": Column("string", "The file, relative to the landing folder."),
        "version": Column(
            "int",
            "Counts what was noted of this name, from 1: a file that is written again, or claimed later, has another.",
        ),
        "source": Column("string", "The source that claims it; none where no declaration does."),
        "bytes": Column("bigint", "Its size."),
        "content_hash": Column("string", "SHA-256 of its bytes; none where they could not be read."),
        "arrived_at": Column("timestamp", "Its modification time."),
        "load_id": Column("bigint", "The load that notes it; loads are counted from 0. Its rows have this `_load_id`."),
        "same_as": Column("string", "The file of the source that brought this content before: it does not land again."),
    },
)

LOADS = Table(
    name="bronze.loads",
    doc="What became of each load of each source. A failed load is tried again by the next run.",
    grain="one row per attempt at a load of a source",
    key=("source", "load_id", "ended_at"),
    columns={
        "source": Column("string", "The source."),
        "load_id": Column("bigint", "The load."),
        "status": Column("string", "landed or failed."),
        "files": Column("int", "How many files it held."),
        "rows": Column("bigint", "Rows that landed in the source's table."),
        "quarantined": Column("bigint", "Rows that went to quarantine."),
        "seconds": Column("double", "How long it took."),
        "error": Column("string", "Why it failed, in words that may quote what was read.", "personal"),
        "ended_at": Column("timestamp", "When it ended."),
    },
    rules=(OneOf(column="status", values=("landed", "failed")),),
)

QUARANTINE = Table(
    name="bronze.quarantine",
    doc="Every refused row of every source, with its raw text and all the reasons.",
    grain="one row per refused record of a version of a file",
    key=("source", "file", "position", "load_id"),
    columns={
        "source": Column("string", "The source."),
        "file": Column("string", "The file, relative to the landing folder."),
        "position": Column(
            "bigint",
            "Which record of its file it is, as in bronze; 0: of the whole file, -1: of records not known.",
        ),
        "raw": Column("string", "The record as it was delivered.", "personal"),
        "reasons": Column("array<string>", "All that is wrong with it; quotes what was found.", "personal"),
        "arrived_at": Column("timestamp", "When the file arrived."),
        "load_id": Column("bigint", "The load that refused it."),
    },
)
