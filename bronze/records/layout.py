"""How files are laid out, and the records that every format gives: texts, rescued, place, raw form, refusal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

RAW_LIMIT = 1 << 20  # characters of raw text kept of one record that cannot be read

Refusal = tuple[int, str | None, str | None]  # position, raw text, why


@dataclass(frozen=True)
class Layout:
    """How the files of one source are laid out. `columns` maps each declared column to its path in a nested record.

    widths: of fixed-width columns, in characters, in their order.
    nested: the type of each column that is an array, a map or a struct, or may be: `string` takes them as JSON.
    keeps_raw: whether the raw form of good records is asked for; a reader may save the work where it is not.
    refuses_undeclared: whether a record that holds what no column declares is refused.
    """

    format: str
    columns: Mapping[str, str]
    options: Mapping[str, str]
    widths: tuple[int, ...] = ()
    nested: Mapping[str, str] = field(default_factory=dict)
    keeps_raw: bool = True
    refuses_undeclared: bool = False

    @cached_property
    def schema(self) -> pa.Schema:
        """A text per declared column; what no column declares, as JSON; the place; the raw form; why it is refused."""
        texts = [pa.field(name, pa.string()) for name in self.columns]
        return pa.schema(
            [
                *texts,
                ("_rescued", pa.string()),
                ("_position", pa.int64()),
                ("_raw", pa.string()),
                ("_error", pa.string()),
            ]
        )


class UnreadableError(Exception):
    """A file, or the rest of it, that gives no more records. `rest` is what it begins with, as text."""

    def __init__(self, why: str, rest: str | None = None) -> None:
        super().__init__(why)
        self.rest = rest[:RAW_LIMIT] if rest else None


def refused(records: list[Refusal], layout: Layout) -> pa.RecordBatch:
    """Records that could not be told apart into fields: (position, raw text, why)."""
    texts: list[pa.Array] = [pa.nulls(len(records), pa.string()) for _ in layout.columns]
    place = pa.array([position for position, _, _ in records], pa.int64())
    raw = pa.array([text for _, text, _ in records], pa.string())
    error = pa.array([why and why.encode("utf-8", "backslashreplace").decode() for _, _, why in records], pa.string())
    return pa.RecordBatch.from_arrays(
        [*texts, pa.nulls(len(records), pa.string()), place, raw, error], schema=layout.schema
    )


def joined(good: pa.RecordBatch, bad: pa.RecordBatch) -> pa.RecordBatch:
    """Both, in the order of the file."""
    if not bad.num_rows:
        return good
    return pa.Table.from_batches([good, bad]).sort_by("_position").combine_chunks().to_batches()[0]
