"""What each system of the retailer records of the world, as the files that it delivers."""

from collections import Counter
from pathlib import Path

from simulator.world.world import Batch


def write_feeds(batch: Batch, landing: Path, truth: Path) -> Counter[str]:
    """Land what the systems recorded of a batch, and say in the truth which record is which person.

    It runs in the process that simulated the batch: of one block of people, so a file of all people is made of the
    batches of all blocks. Returns how many rows each table of events had. No system writes files yet.
    """
    return Counter({table: len(rows["at"]) for table, rows in batch.tables.items()})
