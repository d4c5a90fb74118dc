"""Parquet files whose footer is sound and whose pages are not: only who reads them whole finds out."""

from collections.abc import Sequence

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from bronze.landing import content_hash
from bronze.read import came_from, read
from bronze.shares import Arrival
from bronze.source import Source

NOT_READ = "FAILED_READ_FILE"  # so begins Spark's error for a file that it cannot read to the end


def damaged(spark: SparkSession, source: Source, arrivals: Sequence[Arrival], error: Exception) -> dict[str, str]:
    """The files that a load failed for, since Spark cannot read them though their bytes are those that were planned;
    and what it says of each. They are read one by one, so this is only for a load that has failed."""
    if source.format != "parquet" or NOT_READ not in str(error):
        return {}
    tried = {arrival: why_not_read(spark, source, arrival) for arrival in arrivals}
    return {
        arrival.file: f"the file is damaged: {why}"
        for arrival, why in tried.items()
        if why and content_hash(arrival.path) == arrival.content_hash
    }


def why_not_read(spark: SparkSession, source: Source, arrival: Arrival) -> str | None:
    try:
        read(spark, source, [arrival], 1).write.format("noop").mode("overwrite").save()
    except (PySparkException, Py4JJavaError) as error:
        if NOT_READ in str(error):
            return came_from(error)
        raise
    return None
