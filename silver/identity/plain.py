"""The plain identity: records are one customer where their sources say so, where they share an e-mail address, or where
only one customer has their telephone number. Entity resolution takes over behind the same function.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.tables import conform
from silver.tables import CORE_IDS, PARTIES

HOPS = 2  # a token is a device's, the device an account's
ROUNDS = 4  # of passing on the oldest account among those that share an address: chains are seldom longer
MOST_NAMES = 8  # family names with one address or number, typos included; more are no one's, such as a call centre's
NOBODY = r"^(unknown|none|no|na|n/a|noemail|noreply|no-reply|test)@"
NUMBER = 9  # last digits of a telephone number: it is written with and without its country, which may leave nine


def resolve(parties: DataFrame, revisions: DataFrame) -> DataFrame:
    """The customer of each identity record, as it is known now.

    An id is made from a name: of the account that a record is followed to, of the account known first among those that
    share an address, or of the one customer with that number. Rebuilds and shuffled input do not change it; an account
    that turns out to be an older one's takes that one's id.
    """
    of_account = Window.partitionBy("account")
    records = (
        parties.transform(first_known, revisions)
        .transform(followed)
        .select(
            "party_id",
            "account",
            "first_known_at",
            F.min("first_known_at").over(of_account).alias("account_known_at"),
            address("email").alias("email"),
            number("phone").alias("phone"),
            F.lower(F.trim(F.coalesce("family_name", "full_name"))).alias("name"),
        )
    )
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
    return F.when(plain.contains("@") & ~plain.rlike(NOBODY), plain)


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


def of_few(records: DataFrame, what: str) -> DataFrame:
    """The records that have an address or a number of their own: not those of so many names that it is no one's."""
    names = F.size(F.collect_set("name").over(Window.partitionBy(what)))
    return records.where(F.col(what).isNotNull()).withColumn("_names", names).where(F.col("_names") <= MOST_NAMES)


def sharing_an_address(records: DataFrame) -> DataFrame:
    """For each account with an address: the account, known first, of those that its addresses lead to."""
    held = (
        records.transform(of_few, "email")
        .select("account", "email", F.struct("account_known_at", "account").alias("oldest"))
        .distinct()
    )
    for _ in range(ROUNDS):
        for shared in ("email", "account"):
            held = held.withColumn("oldest", F.min("oldest").over(Window.partitionBy(shared)))
    return held.groupBy("account").agg(F.min("oldest.account").alias("of_address"))


def sharing_a_number(records: DataFrame, by_address: DataFrame) -> DataFrame:
    """For each account without an address: the customer who has its number, where only one has it."""
    numbers = records.transform(of_few, "phone").join(by_address, on="account", how="left")
    known = numbers.where("of_address IS NOT NULL").groupBy("phone")
    only = known.agg(F.min("of_address").alias("of_number"), F.max("of_address").alias("_other"))
    only = only.where("of_number = _other").drop("_other")
    unknown = numbers.where("of_address IS NULL").join(only, on="phone", how="inner")
    return unknown.groupBy("account").agg(F.min("of_number").alias("of_number"))
