"""Parquet files whose footer is sound and whose pages are not: only who reads them whole finds out."""

from collections.abc import Sequence
from contextlib import suppress

import pyarrow.parquet as pq

from bronze.landing import content_hash
from bronze.parquet import NotParquetError, file_errors, parquet_schema
from bronze.records.content import open_file
from bronze.shares import Arrival
from bronze.source import Source

NOT_READ = "FAILED_READ_FILE"  # so begins Spark's error for a file that it cannot read to the end


def damaged(source: Source, arrivals: Sequence[Arrival], error: Exception) -> dict[str, str]:
    """The files that a load failed for, since their pages cannot be read though their bytes are those that were
    planned; and what is wrong with each. Arrow reads them all: what stopped Spark alone may be no fault of a file's."""
    if source.format != "parquet" or NOT_READ not in str(error):
        return {}
    tried = {arrival: why_not_read(arrival) for arrival in arrivals}
    return {
        arrival.file: why
        for arrival, why in tried.items()
        if why and content_hash(arrival.path) == arrival.content_hash
    }


def why_not_read(arrival: Arrival) -> str | None:
    """Of a file whose footer says that it can be read."""
    with suppress(NotParquetError):
        parquet_schema(arrival)
        try:
            with file_errors("the file is damaged"), open_file(arrival.path) as file:
                for _ in pq.ParquetFile(file).iter_batches():
                    pass
        except NotParquetError as error:
            return str(error)
    return None
