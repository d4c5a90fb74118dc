"""The one way in: files that arrive are planned into loads, and each load lands once.

What has arrived is noted, each file with a load, in `bronze.files` before anything is read. Loads then land source by
source, side by side: good rows in the source's table, refused ones in quarantine, both under the load's number, so that
a repeat after a kill adds nothing. A stream sees that files arrive, at once or until it is idle; a local folder is
listed, once or at each tick, since Spark's own stream of it misses files that are written again, and takes longer to
start than some thousand files take to land.
"""

import math
import os
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import reduce
from time import monotonic
from zlib import crc32

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from bronze.checkpoint import held
from bronze.damage import damaged
from bronze.evolve import evolved
from bronze.landing import Found, UnreadableFilesError, change, listed
from bronze.ledger import FILES, LOADS, QUARANTINE
from bronze.parquet import NotParquetError, parquet_footer
from bronze.plan import Ledger, Load, in_batch
from bronze.read import read, task_count
from bronze.records.content import is_local
from bronze.refusals import files_with_rows, not_read, refusals_of_same, refusals_of_whole_files, refused_before
from bronze.shares import Arrival, are_few
from bronze.source import Source
from lakehouse.delta import Lakehouse, OvertakenError
from lakehouse.errors import came_from

ARRIVALS = "path string, modificationTime timestamp, length bigint, content binary"
SIDE_BY_SIDE = 4
SLOTS = 63
AGAIN_AFTER = 60.0  # seconds until a folder that looks the same is taken in again, for what could not land or be opened


@dataclass(frozen=True)
class Landed:
    """What became of a load."""

    source: str
    load_id: int
    files: int
    rows: int
    quarantined: int
    seconds: float
    error: str | None = None


def ingest(
    lake: Lakehouse,
    sources: Sequence[Source],
    *,
    continuous: bool = False,
    on_landed: Callable[[Landed], None] = lambda landed: None,
) -> StreamingQuery | None:
    """Take in what has arrived; with `continuous`, also what will arrive. A load that failed before is tried again.
    None where a local folder was taken in, which needs no stream."""
    checkpoint = posixpath.join(lake.settings.state_dir, "ingest")
    if lists_landing(lake):
        os.scandir(lake.settings.landing_dir).close()  # or else it is told why not, before anything is made
    is_alone = lake.settings.target == "local" and is_local(checkpoint) and not continuous
    with held(checkpoint) if is_alone else nullcontext():
        return taken_in(lake, sources, checkpoint, continuous, on_landed)


def lists_landing(lake: Lakehouse) -> bool:
    """Whether what arrives is found by listing a folder of this machine, and not by a stream."""
    return lake.settings.target == "local" and is_local(lake.settings.landing_dir)


def taken_in(
    lake: Lakehouse,
    sources: Sequence[Source],
    checkpoint: str,
    continuous: bool,
    on_landed: Callable[[Landed], None],
) -> StreamingQuery | None:
    """See to the tables and to what was left before, and take in what there is, and then what a stream finds."""
    pool = ThreadPoolExecutor(SIDE_BY_SIDE)
    making: list[Future[bool]] = []
    waiting: list[Load] = []
    passes = 0
    before: list[Found] = []
    look_again_at = 0.0

    def prepared() -> Ledger:
        """The tables, of which most are made while files are planned and land; and what an earlier run has left."""
        nonlocal waiting
        is_new = lake.create(FILES)
        making.extend(pool.submit(lake.create, table) for table in (LOADS, QUARANTINE, *(s.table for s in sources)))
        pool.shutdown(wait=False)
        ledger = Ledger(lake, sources, is_new=is_new)
        waiting = land_all(lake, ledger.outstanding(), on_landed) if not is_new else []
        return ledger

    def see_to_tables() -> None:
        """A load waits for its own table alone; those that nothing lands in must be there too in the end."""
        for each in making:
            each.result()

    preparing = pool.submit(prepared)  # while the files of a local folder are listed
    landing = lake.settings.landing_dir
    is_listed = lists_landing(lake)

    def take_in(files: DataFrame | None = None, batch_id: int = 0) -> None:
        """Of a local folder all that is new: Spark's batches lack files that were written again or have no bytes."""
        nonlocal waiting, passes, before, look_again_at
        found = list(listed(landing)) if files is None or is_listed else in_batch(files, landing)
        if continuous and is_listed:
            if found == before and monotonic() < look_again_at:
                return
            before, look_again_at = found, monotonic() + AGAIN_AFTER
        ledger = preparing.result()
        passes += 1
        if passes > 1:
            ledger.learn()
            waiting = [*waiting, *ledger.outstanding()]  # what another run has noted meanwhile comes first
        waiting = land_all(lake, [*waiting, *ledger.plan(found)], on_landed)
        see_to_tables()
        tell_unreadable(ledger, on_landed)
        if ledger.unreadable and not is_listed:  # a batch that fails is given again; a folder is listed again anyway
            raise UnreadableFilesError("; ".join(ledger.unreadable.values()))

    try:
        if is_listed:
            take_in()
        else:
            preparing.result()
    finally:  # whoever ends the session after a failure would end it beneath them
        wait([preparing])
        wait(making)
    if is_listed and not continuous:
        return None
    query = started(lake, take_in, "" if is_listed else checkpoint, continuous)
    if not continuous:
        see_to_tables()
    return query


def started(
    lake: Lakehouse, take_in: Callable[[DataFrame, int], None], checkpoint: str, continuous: bool
) -> StreamingQuery:
    """The stream that gives what arrives to `take_in`: over with what is there, or, where it is continuous, never."""
    failed: list[Exception] = []

    def take_in_batch(files: DataFrame, batch_id: int) -> None:
        try:
            take_in(files, batch_id)
        except Exception as problem:
            failed.append(problem)
            raise

    writer = (arrivals(lake) if checkpoint else ticks(lake)).writeStream.foreachBatch(take_in_batch).queryName("ingest")
    if checkpoint:
        writer = writer.option("checkpointLocation", checkpoint)
    query = (writer.trigger(processingTime="10 seconds") if continuous else writer.trigger(availableNow=True)).start()
    if not continuous:
        try:
            query.awaitTermination()
        except PySparkException:
            if failed:  # told as it is, not as the stream's failure
                raise failed[0]  # noqa: B904
            raise
    return query


def ticks(lake: Lakehouse) -> DataFrame:
    """In place of the files of a folder that is listed at each trigger: Spark's stream gives no file twice, and would
    miss those that are written again."""
    return lake.spark.readStream.format("rate").load()


def arrivals(lake: Lakehouse) -> DataFrame:
    """A stream of the files that arrive, without their content: Auto Loader on Databricks, Spark's files elsewhere."""
    if lake.settings.target == "databricks":
        reader = lake.spark.readStream.format("cloudFiles").option("cloudFiles.format", "binaryFile")
        reader = reader.option("cloudFiles.allowOverwrites", "true")
    else:
        # Spark forgets files that are much older than the newest one, and would never see a late one.
        reader = lake.spark.readStream.format("binaryFile").schema(ARRIVALS).option("maxFileAge", "36500d")
    files = reader.option("recursiveFileLookup", "true").load(lake.settings.landing_dir)
    return files.select("path", "modificationTime", "length")


def tell_unreadable(ledger: Ledger, on_landed: Callable[[Landed], None]) -> None:
    """Say of each source which files could not be opened. They are not noted, and are found again by the next run."""
    by_source: dict[str, list[str]] = {}
    for file, why in ledger.unreadable.items():
        by_source.setdefault(ledger.claimant(file) or "files", []).append(why)
    for source, errors in by_source.items():
        error = f"files that cannot be opened for now: {'; '.join(errors)}"[:2000]
        on_landed(Landed(source, ledger.known.last_load + 1, len(errors), 0, 0, 0.0, error))


def land_all(lake: Lakehouse, loads: Sequence[Load], on_landed: Callable[[Landed], None]) -> list[Load]:
    """Land sources side by side, the loads of each in their order. Returns the loads that have not landed."""
    if not loads:
        return []
    by_source: dict[str, list[Load]] = {}
    for load in sorted(
        {(load.source.name, load.load_id): load for load in loads}.values(), key=lambda each: each.load_id
    ):
        by_source.setdefault(load.source.name, []).append(load)

    def land_in_order(mine: list[Load]) -> list[Landed]:
        done = []
        for load in mine:
            landed = land_or_say_why_not(lake, load)
            on_landed(landed)
            done.append(landed)
            if landed.error:
                break  # later loads of this source wait: their number must not overtake this one's
        return done

    # The heaviest first, so that none is left running alone at the end.
    heaviest_first = sorted(by_source.values(), key=lambda mine: -sum(a.bytes for load in mine for a in load.arrivals))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        landed = [each for done in pool.map(land_in_order, heaviest_first) for each in done]
    note(lake, landed)
    done = {(each.source, each.load_id) for each in landed if not each.error}
    return [load for load in loads if (load.source.name, load.load_id) not in done]


def land_or_say_why_not(lake: Lakehouse, load: Load) -> Landed:
    started = monotonic()
    try:
        rows, quarantined = land(lake, load)
        error = None
    except Exception as problem:  # one source must not hold up the others; the job fails at its end
        rows, quarantined, error = 0, 0, why_not(problem)
    seconds = round(monotonic() - started, 3)
    return Landed(load.source.name, load.load_id, len(load.arrivals), rows, quarantined, seconds, error)


def why_not(problem: Exception) -> str:
    """What a problem says, with what it came from, such as a disk that is full."""
    told = f"{type(problem).__name__}: {problem}".split("\n\tat ")[0][:2000]
    cause = came_from(problem)[:500]
    return told if cause in told else f"{told}\nIt came from: {cause}"


def land(lake: Lakehouse, load: Load) -> tuple[int, int]:
    """Append the load's good rows to the source's table and the refused ones to quarantine. Returns how many of each.
    Parquet files that turn out to be damaged are refused, and the others land."""
    try:
        return land_but(lake, load, {})
    except (PySparkException, Py4JJavaError) as error:
        if broken := damaged(load.source, load.arrivals, error):
            return land_but(lake, load, broken)
        raise


def land_but(lake: Lakehouse, load: Load, broken: Mapping[str, str]) -> tuple[int, int]:
    """Land all but the broken files, which are refused with what is told of them.

    Refused rows are rare: while the good rows are written, the files that have some are noted, and only those are
    read again.
    """
    source, files = load.source, list(load.arrivals)
    lake = lake.for_few_rows if are_few(files) else lake
    if source.new_columns == "evolve":
        source = evolved(lake, source, files, broken)
    seen = Observation()
    records = read(lake.spark, source, files, task_count(lake.spark), broken, explains=False)
    if source.format != "parquet":
        slot = slot_of(F.col("_file"))
        is_refused = F.col("_reasons").isNotNull()
        records = records.observe(
            seen,
            F.bit_or(F.when(is_refused, slot)).alias("refused"),
            F.bit_or(F.when(F.col("_position") == 0, slot)).alias("not_read"),
        )
    writer = f"bronze.{source.name}"
    good = records.where("_reasons IS NULL").withColumn("_load_id", F.lit(load.load_id))
    added = lake.append(good.select(*source.table.columns), source.table, writer=writer, number=load.load_id)

    if source.format == "parquet":
        suspects = doubtful = files if added.rows < sum(parquet_rows(file) for file in files) else []
    elif added.is_repeat:  # nothing was read, so nothing was seen
        suspects = doubtful = files
    else:
        suspects, doubtful = (in_slots(files, seen.get[each]) for each in ("refused", "not_read"))
    if not suspects:
        return added.rows, 0
    no_more = {file: why for file in suspects if (why := change(file.path, file.found) or broken.get(file.file))}
    landed = files_with_rows(lake, load) if no_more or doubtful else set()
    no_more |= not_read(lake, source, [each for each in doubtful if each not in no_more and each.file not in landed])
    same = [file for file in suspects if file not in no_more]
    refusals = [refusals_of_whole_files(lake, no_more, landed)] if no_more else []
    if same:
        refusals.append(refusals_of_same(lake, source, same))
    quarantined = reduce(DataFrame.unionByName, refusals).select(
        F.lit(source.name).alias("source"),
        F.col("_file").alias("file"),
        F.col("_position").alias("position"),
        F.col("_raw").alias("raw"),
        F.col("_reasons").alias("reasons"),
        F.col("_arrived_at").alias("arrived_at"),
        F.lit(load.load_id).cast("bigint").alias("load_id"),
    )
    try:
        told = lake.append(quarantined, QUARANTINE, writer=f"quarantine of {writer}", number=load.load_id)
    except OvertakenError:  # by another run, which found that the load has none to refuse and went on to the next
        if quarantined.count() > refused_before(lake, load):
            raise
        return added.rows, refused_before(lake, load)
    return added.rows, told.rows


def slot_of(file: Column) -> Column:
    """One of 63 bits for each file: which slots saw a refused row fits one number, and costs nothing to observe."""
    return F.call_function("shiftleft", F.lit(1).cast("bigint"), (F.crc32(file) % SLOTS).cast("int"))


def in_slots(files: Sequence[Arrival], slots: int | None) -> list[Arrival]:
    return [file for file in files if (slots or 0) >> (crc32(file.file.encode()) % SLOTS) & 1]


def parquet_rows(arrival: Arrival) -> float:
    """How many rows the file says it has; of a broken one nobody knows."""
    try:
        return float(parquet_footer(arrival).num_rows)
    except (NotParquetError, FileNotFoundError):
        return math.inf


def note(lake: Lakehouse, landed: Iterable[Landed]) -> None:
    """Note what became of loads."""
    ended_at = datetime.now(UTC)
    rows = [{**asdict(each), "status": "failed" if each.error else "landed", "ended_at": ended_at} for each in landed]
    lake = lake.for_few_rows
    lake.add(lake.rows(rows, LOADS), LOADS)
