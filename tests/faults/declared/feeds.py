"""Three feeds, as campaigns of faults deliver them: a few short files at a time."""

from dataclasses import replace

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

VISITS = replace(TILLS, name="visits", doc="Visits of the web shop.", path="visits/*", format="jsonl", options={})

STOCK = replace(TILLS, name="stock", doc="What came into stock.", path="stock/*", format="parquet", options={})
