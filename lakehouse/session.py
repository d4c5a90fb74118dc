"""The Spark session of jobs. Layers and tests are given one; only entry points call this."""

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from lakehouse.settings import Settings

JARS = Path(__file__).parent.parent / ".cache" / "jars"

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
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.databricks.delta.stats.collect": "true",
    "spark.hadoop.hive.metastore.disallow.incompatible.col.type.changes": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # INT96 is slower to write, and has no statistics
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}


def open_session(settings: Settings) -> SparkSession:
    """The running session on Databricks; a new or the same local one elsewhere, all its files below `settings.home`."""
    if settings.target == "databricks":
        return SparkSession.builder.getOrCreate()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    home = settings.home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    builder = SparkSession.builder.appName("orrery").master(f"local[{settings.cores}]").enableHiveSupport()
    jars = ",".join(str(jar) for jar in delta_jars())
    for key, value in {
        **ENGINE,
        **LOCAL,
        "spark.jars": jars,
        "spark.driver.extraClassPath": jars.replace(",", ":"),
        "spark.driver.memory": settings.memory,
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={home} -XX:+UseG1GC -XX:MaxGCPauseMillis=200",
        "spark.sql.warehouse.dir": settings.warehouse_dir,
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={home}/metastore;create=true",
        "spark.local.dir": str(home / "tmp"),
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def delta_jars() -> list[Path]:
    """Delta's jars, as `make setup` left them."""
    jars = sorted(JARS.glob("*.jar"))
    if not jars:
        raise FileNotFoundError(f"No Delta jars in {JARS}: expected three. Run `make setup` in {JARS.parent.parent}.")
    return jars
