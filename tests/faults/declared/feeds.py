"""Three feeds, as campaigns of faults deliver them: a few short files at a time."""

from bronze.source import Field, Source
from lakehouse.rules import Between

TILLS = Source(
    name="tills",
    doc="Lines of the tills.",
    path="tills/*",
    format="csv",
    key=("id",),
    columns={"id": Field("int"), "amount": Field("int")},
    rules=(Between(column="amount", low=0),),
    options={"header": "false"},
)

VISITS = Source(
    name="visits",
    doc="Visits of the web shop.",
    path="visits/*",
    format="jsonl",
    key=("id",),
    columns={"id": Field("int"), "amount": Field("int")},
    rules=(Between(column="amount", low=0),),
)

STOCK = Source(
    name="stock",
    doc="What came into stock.",
    path="stock/*",
    format="parquet",
    key=("id",),
    columns={"id": Field("int"), "amount": Field("int")},
    rules=(Between(column="amount", low=0),),
)
