"""What each system of the retailer records of the world, as the files that it delivers.

A system is a module here with `FEEDS`, a tuple of `RawFeed`s (feed.py), and its name in `systems.py`. A feed has a
function `record(seen: Seen) -> Recorded`: it is given a batch as the systems see it (seen.py: the events by
`seen.events("orders", channel=STORE)`, and what people are called and reached by), and returns columns for all rows of
the batch and the `day` of each. It runs for each block of people by itself, without memory of other batches: the same
row must come out whatever else is in the batch, so ids come from spelling.py (`hex_ids`, `number_ids`, ...) and chance
from `seen.dice` with the row's own keys. Names with their errors come from names.py. How columns are spelled is said by
their types and by the form (formats.py): CSV, fixed-width, JSON, XML, Avro, Parquet; `.gz` in the path zips the file.
pos.py is an example of most of it.

The rows become the bytes of pieces in the process that simulated the batch (pieces.py); when all blocks of some days
are there, they are put together to files, with what is wrong with them on purpose (landing.py). What waits, waits on
disk.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from simulator.feeds.pieces import write_pieces
from simulator.feeds.systems import FEEDS
from simulator.world.world import Batch


@dataclass(frozen=True)
class Written:
    """What a batch became: pieces in a file, and how many rows each table of events had."""

    block: int
    first_day: int
    last_day: int
    pieces: Path
    rows: Counter[str]


def write_feeds(batch: Batch, unfinished: Path) -> Written:
    """Render what the systems recorded of a batch. It runs in the process that simulated it, of one block of people."""
    path = unfinished / f"pieces/{batch.first_day:06}-{batch.block:05}"
    write_pieces(path, batch, FEEDS)
    rows = Counter({table: len(columns["at"]) for table, columns in batch.tables.items()})
    return Written(batch.block, batch.first_day, batch.last_day, path, rows)
