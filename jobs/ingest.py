"""Take in the files that have arrived."""

from collections.abc import Sequence

from bronze.ingest import Landed, ingest
from bronze.source import Source
from jobs.console import did, say, stage
from lakehouse.delta import Lakehouse
from lakehouse.room import about_folders


class IngestError(Exception):
    """Sources that could not be taken in."""


def ingest_sources(lake: Lakehouse, sources: Sequence[Source], *, continuous: bool = False) -> None:
    """Land what has arrived, of each source or of all; with `continuous`, go on until stopped."""
    failed: dict[tuple[str, int], Landed] = {}
    seen = 0

    def show(landed: Landed) -> None:
        nonlocal seen
        seen += 1
        if landed.error:
            failed[landed.source, landed.load_id] = landed
            did(f"bronze.{landed.source}", "FAILED", landed.seconds)
            say(f"    load {landed.load_id}: {landed.error}")
            if told := about_folders(lake.settings, landed.error):
                say(told)
        else:
            failed.pop((landed.source, landed.load_id), None)
            refused = f", {landed.quarantined:,} quarantined" if landed.quarantined else ""
            did(f"bronze.{landed.source}", f"{landed.rows:,} rows of {landed.files:,} files{refused}", landed.seconds)

    with stage("Bronze: taking in what has arrived"):
        query = ingest(lake, sources, continuous=continuous, on_landed=show)
        if continuous and query:
            say("  Watching the landing folder. Stop with Ctrl-C.")
            query.awaitTermination()
        if not seen:
            did("no new files", "unchanged")
    if failed:
        raise IngestError(
            "Some sources did not land; the others did:\n  "
            + "\n  ".join(f"{each.source} (load {each.load_id}): {each.error}" for each in failed.values())
            + "\nMend the cause and run the job again: it takes up what is missing."
        )
