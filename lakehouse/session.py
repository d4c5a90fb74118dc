"""The Spark session of jobs. Layers and tests are given one; only entry points call this."""

import fcntl
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from pyspark.sql import SparkSession

from lakehouse.files import MOST
from lakehouse.settings import Settings

CACHE = Path(__file__).parent.parent / ".cache"
JARS = CACHE / "jars"
SPARK_CONF = CACHE / "spark-conf"
ARCHIVE = CACHE / "classes" / "spark.jsa"
LOGGING = f"-Dlog4j2.configurationFile={(SPARK_CONF / 'log4j2.properties').as_uri()}"

MADE_IN = "made_in.txt"  # in a home: the path of it

ENGINE = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
}

# Measured on two cores: each of these takes seconds to tens of seconds off small tables.
LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    "spark.sql.files.openCostInBytes": "524288",  # of a disk of this machine; it would be four million, as of a store
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.databricks.delta.stats.collect": "true",
    "spark.databricks.delta.allFilesInCrc.enabled": "false",  # readers do not use them, and writers read the log again
    # Both write a file beside its place and rename it, as what they stand in for; but those start a process for each
    # link that they look for: sixteen a commit.
    "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
    "spark.sql.streaming.checkpointFileManagerClass": "org.apache.spark.sql.execution.streaming.checkpointing."
    "FileSystemBasedCheckpointFileManager",
    "spark.hadoop.hive.metastore.disallow.incompatible.col.type.changes": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.python.daemon.module": "lakehouse.python_daemon",
    # Where in Python each column came from takes ten calls of Java's for each of them.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.sql.dataFrameQueryContext.enabled": "false",
    # Beyond 128 groups a task would sort all its rows, to collect a few values of each.
    "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "65536",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # INT96 is slower to write, and has no statistics
    # Pages of version 2 hold the positions in files in a seventh of the bytes, and a file's name once.
    "spark.hadoop.parquet.writer.version": "PARQUET_2_0",
    "spark.hadoop.parquet.enable.dictionary#_file": "false",
    "spark.hadoop.parquet.enable.dictionary#_position": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}

# To plan each stage anew takes longer than a few rows do.
FEW_ROWS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.leafNodeDefaultParallelism": "1",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": str(MOST),  # else a job of its own lists a young table
}

# So does to compile each projection, up to some ten thousand rows.
NOT_COMPILED = {
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
}

# Of few files there are none to skip, and Delta finds that out by two jobs. For who reads what nobody writes meanwhile:
# each scan of a query is then of the newest version.
FEW_FILES = {"spark.databricks.delta.stats.skipping": "false"}

# Java's second compiler works on what is run ten times as often as it would by itself: jobs of minutes run most of the
# driver's code too seldom to win back the time that its compilation takes, a fifth of their CPU. Where few bytes have
# arrived it does not start at all: then the first one's code is quicker, too, since it counts nothing for the second.
BOTH_COMPILERS = (
    "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=200000 "
)
FIRST_COMPILER = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m "
FEW_BYTES = 200 << 20  # in the landing folder; those of Parquet hold about ten times as many rows


def open_session(settings: Settings, *, archive_to: Path | None = None) -> SparkSession:
    """The running session on Databricks; a new or the same local one elsewhere, all its files below `settings.home`.
    With `archive_to` the JVM writes the classes that it has loaded to this file when it ends."""
    if settings.target == "databricks":
        return SparkSession.builder.getOrCreate()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    home = settings.home.absolute()
    for folder in (home, Path(settings.warehouse_dir), Path(settings.state_dir)):
        see_that_it_opens(folder)
    home.mkdir(parents=True, exist_ok=True)
    remove_unfinished_catalog(home / "metastore", Path(settings.warehouse_dir))
    see_that_it_stayed(home)
    builder = SparkSession.builder.appName("orrery").master(f"local[{settings.cores}]").enableHiveSupport()
    jars = ",".join(str(jar) for jar in delta_jars())
    archive = f"ArchiveClassesAtExit={archive_to}" if archive_to else f"SharedArchiveFile={ARCHIVE}"
    is_archived = archive_to is not None or (ARCHIVE.exists() and has_own_conf())
    for key, value in {
        **ENGINE,
        **LOCAL,
        "spark.jars": jars,
        "spark.driver.extraClassPath": jars.replace(",", ":"),
        "spark.driver.memory": settings.memory,
        "spark.driver.extraJavaOptions": f"{in_quotes(f'-Dderby.system.home={home}')} -XX:+UseParallelGC "
        + (FIRST_COMPILER if has_small_landing(settings.landing_dir) else BOTH_COMPILERS)
        + (f"-Xshare:auto -Xlog:disable -Xlog:all=error:stderr {in_quotes(f'-XX:{archive}')} " if is_archived else "")
        + (in_quotes(LOGGING) if is_archived else ""),
        "spark.sql.warehouse.dir": settings.warehouse_dir,
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={home}/metastore;create=true",
        "spark.local.dir": str(home / "tmp"),
    }.items():
        builder = builder.config(key, value)
    with without_conf_dir() if is_archived else nullcontext():
        session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def has_small_landing(landing: str) -> bool:
    """Whether files have arrived in a local folder, and all of them are few bytes."""
    total = 0
    for folder, _, names in os.walk(landing):
        for name in names:
            with suppress(OSError):  # which may be away meanwhile
                total += Path(folder, name).stat().st_size * (10 if name.endswith(".parquet") else 1)
        if total > FEW_BYTES:
            return False
    return total > 0


def see_that_it_opens(folder: Path) -> None:
    """Else what stands in the way is told as soon as possible, and as it is: Java would say that nothing is there."""
    if os.path.lexists(folder):
        os.scandir(folder).close()


class MovedError(Exception):
    """A local lakehouse that is not where it was made."""


def see_that_it_stayed(home: Path) -> None:
    """The catalog names each table by its full path: a lake that was moved would find none of them, and a copy would
    write to those of the first."""
    note = home / MADE_IN
    if not (home / "metastore").exists():
        note.write_text(f"{home}\n")
    elif note.exists() and not is_same(made_in := Path(note.read_text().rstrip("\n")), home):
        raise MovedError(
            f"Cannot open the lakehouse in {home}: expected it in {made_in}, where it was made, since its catalog "
            f"names each table by its full path.\nIf it was moved, move it back or link {made_in} to it. If it is a "
            f"copy, put it in the place of the first; or remove metastore, warehouse and state from {home}, and take "
            "the landing folder in again."
        )


def remove_unfinished_catalog(catalog: Path, warehouse: Path) -> None:
    """Remove what a kill while Derby made the catalog has left, before there was any table: Derby would open nothing
    there. Whoever is making it has locked it, or finds it locked and says that another process has it open."""
    if not catalog.is_dir() or is_finished(catalog) or (warehouse.is_dir() and any(warehouse.iterdir())):
        return
    with (catalog / "dbex.lck").open("a") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if not is_finished(catalog):
            shutil.rmtree(catalog)


def is_finished(catalog: Path) -> bool:
    """Whether the file is whole that Derby writes last, or that before it is there, which Derby puts back itself."""
    service = catalog / "service.properties"
    is_whole = service.exists() and "#--- last line" in service.read_text("latin-1")
    return is_whole or (catalog / "service.propertiesold").exists()


def is_same(folder: Path, other: Path) -> bool:
    return folder.exists() and folder.samefile(other)


def in_quotes(option: str) -> str:
    r"""An option of Java's as Spark takes it apart: blanks are of the option, in quotes.

    >>> print(in_quotes('-Dhome=/my "own" lake'))
    "-Dhome=/my \"own\" lake"
    """
    escaped = option.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def has_own_conf() -> bool:
    """Whether Spark would start with the settings that `make setup` wrote, and no others that a user has chosen."""
    chosen = os.environ.get("SPARK_CONF_DIR")
    return (SPARK_CONF / "spark-env.sh").exists() and (chosen is None or Path(chosen).resolve() == SPARK_CONF.resolve())


@contextmanager
def without_conf_dir() -> Iterator[None]:
    """Let Spark start with an empty folder of settings, since Java takes no archive where there is a folder with files
    on its class path. What spark-env.sh says is said here."""
    empty = ARCHIVE.parent / "no-conf"
    empty.mkdir(exist_ok=True)
    [java_home] = re.findall(r"^JAVA_HOME=(.*)$", (SPARK_CONF / "spark-env.sh").read_text(), re.MULTILINE)
    started_with = {
        "SPARK_CONF_DIR": str(empty),
        "JAVA_HOME": java_home,
        "SPARK_LOCAL_IP": os.environ.get("SPARK_LOCAL_IP", "127.0.0.1"),
    }
    before = {name: os.environ.get(name) for name in started_with}
    os.environ.update(started_with)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def delta_jars() -> list[Path]:
    """Delta's jars, as `make setup` left them."""
    jars = sorted(JARS.glob("*.jar"))
    if not jars:
        raise FileNotFoundError(f"No Delta jars in {JARS}: expected three. Run `make setup` in {JARS.parent.parent}.")
    return jars
