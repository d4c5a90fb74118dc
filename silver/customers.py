"""The golden record: of everything that is said of a customer, what holds."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.tables import conform
from silver.tables import CUSTOMERS

NOT_SAID = ("core_id", "parties", "learned_at")


def build(parties: DataFrame, core_ids: DataFrame) -> DataFrame:
    """One row per customer. Survivorship: of each trait, the value that was learned last."""
    whose = core_ids.select("party_id", "core_id", F.col("learned_at").alias("met_at"))
    said = parties.join(whose, on="party_id", how="inner")
    traits = [name for name in CUSTOMERS.columns if name not in NOT_SAID]
    return (
        said.groupBy("core_id")
        .agg(
            F.count("*").alias("parties"),
            *(learned_last(trait).alias(trait) for trait in traits),
            F.min("met_at").alias("learned_at"),
        )
        .transform(conform, CUSTOMERS)
    )


def learned_last(trait: str) -> Column:
    """The newest value that is not missing; of two as new, that of the later party_id, so that reruns agree."""
    when_said = F.when(F.col(trait).isNotNull(), F.struct("learned_at", "party_id"))
    return F.max_by(trait, when_said)
