"""The plain identity: records are one customer where their sources say so, where they share an e-mail address, or where
only one customer has their telephone number. Entity resolution takes over behind the same function.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.tables import conform
from silver.tables import CORE_IDS, PARTIES

HOPS = 2  # a token is a device's, the device an account's
ROUNDS = 3  # of passing on the oldest record among those that share an address
MOST_HOLDERS = 12  # accounts with one address; more are no one's, such as unknown@example.com
NUMBER = 9  # last digits of a telephone number: it is written with and without its country


def resolve(parties: DataFrame, revisions: DataFrame) -> DataFrame:
    """The customer of each identity record.

    A customer's id is made from the record that was known first (or from the number that its sources share): rebuilds
    and shuffled input do not change it. Records that are found to belong together later take the older one's.
    """
    records = parties.transform(first_known, revisions).transform(followed).select(
        "party_id", "account", "first_known_at", address("email").alias("email"), number("phone").alias("phone")
    )  # fmt: skip
    by_address = records.transform(sharing_an_address)
    by_number = records.transform(sharing_a_number, by_address)
    return (
        records.join(by_address, on="account", how="left")
        .join(by_number, on="account", how="left")
        .select(
            "party_id",
            core_id(F.coalesce("of_address", "of_number", "account")).alias("core_id"),
            F.when(F.col("of_address") != F.col("account"), "email")
            .when(F.col("of_number").isNotNull(), "phone")
            .when(F.col("account") != F.col("party_id"), "stated")
            .otherwise("itself")
            .alias("method"),
            F.col("first_known_at").alias("learned_at"),
        )
        .transform(conform, CORE_IDS)
    )


def core_id(name: Column) -> Column:
    return F.concat(F.lit("C"), F.substring(F.sha2(name, 256), 1, 15))


def address(column: str) -> Column:
    """An e-mail address in one spelling; null where it is none."""
    plain = F.lower(F.trim(column))
    return F.when(plain.contains("@"), plain)


def number(column: str) -> Column:
    """A telephone number in one spelling, without its country; null where it is none."""
    digits = F.regexp_replace(column, "[^0-9]", "")
    return F.when(F.length(digits) >= NUMBER, F.right(digits, F.lit(NUMBER)))


def first_known(parties: DataFrame, revisions: DataFrame) -> DataFrame:
    """Adds when each record was first known: its first version may be among the revisions."""
    superseded = revisions.where(F.col("table_name") == PARTIES.name).select(
        F.get_json_object("row_key", "$.party_id").alias("party_id"), "learned_at"
    )
    before = superseded.groupBy("party_id").agg(F.min("learned_at").alias("_before"))
    joined = parties.join(before, on="party_id", how="left")
    return joined.withColumn("first_known_at", F.least("learned_at", "_before")).drop("_before")


def followed(parties: DataFrame) -> DataFrame:
    """Adds the account of each record: whom it is known as, who that one is known as, and so on."""
    stated = parties.where("known_as IS NOT NULL").select(
        F.col("party_id").alias("account"), F.col("known_as").alias("_next")
    )
    found = parties.withColumn("account", F.coalesce("known_as", "party_id"))
    for _ in range(HOPS):
        found = found.join(stated, on="account", how="left").withColumn("account", F.coalesce("_next", "account"))
        found = found.drop("_next")
    return found


def sharing_an_address(records: DataFrame) -> DataFrame:
    """For each account with an address of its own: the account, known first, of those that its addresses lead to."""
    held = (
        records.where("email IS NOT NULL")
        .groupBy("account", "email")
        .agg(F.min("first_known_at").alias("first_known_at"))
        .withColumn("holders", F.count("*").over(Window.partitionBy("email")))
        .where(F.col("holders") <= MOST_HOLDERS)
        .withColumn("oldest", F.struct("first_known_at", "account"))
    )
    for _ in range(ROUNDS):
        for shared in ("account", "email"):
            held = held.withColumn("oldest", F.min("oldest").over(Window.partitionBy(shared)))
    return held.groupBy("account").agg(F.min("oldest.account").alias("of_address"))


def sharing_a_number(records: DataFrame, by_address: DataFrame) -> DataFrame:
    """For each account without an address: the customer who has its number, where only one has it."""
    numbers = records.where("phone IS NOT NULL").join(by_address, on="account", how="left")
    known = numbers.where("of_address IS NOT NULL").groupBy("phone")
    only = known.agg(F.min("of_address").alias("of_number"), F.max("of_address").alias("_other"))
    only = only.where("of_number = _other").drop("_other")
    unknown = numbers.where("of_address IS NULL").join(only, on="phone", how="inner")
    return unknown.groupBy("account").agg(F.min("of_number").alias("of_number"))
