"""The plain identity: a household is a customer. Entity resolution takes over behind the same function."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.tables import conform
from silver.tables import CORE_IDS, PARTIES


def resolve(parties: DataFrame, revisions: DataFrame) -> DataFrame:
    """The customer of each identity record: the same for records with one household number, for good.

    The id is made from the household number alone, so that rebuilds, late data and shuffled input do not change it.
    A record is known from its first version on, which may be among the `revisions`.
    """
    superseded = revisions.where(F.col("table_name") == PARTIES.name).select(
        F.get_json_object("row_key", "$.party_id").alias("party_id"), "learned_at"
    )
    first_known = superseded.groupBy("party_id").agg(F.min("learned_at").alias("first_learned_at"))
    has_number = F.col("household_no").isNotNull()
    known_as = F.when(has_number, F.concat(F.lit("household/"), "household_no")).otherwise(
        F.concat(F.lit("party/"), "party_id")
    )
    return (
        parties.join(first_known, on="party_id", how="left")
        .select(
            "party_id",
            F.concat(F.lit("C"), F.substring(F.sha2(known_as, 256), 1, 15)).alias("core_id"),
            F.when(has_number, F.lit("household_no")).otherwise(F.lit("itself")).alias("method"),
            F.least("learned_at", "first_learned_at").alias("learned_at"),
        )
        .transform(conform, CORE_IDS)
    )
