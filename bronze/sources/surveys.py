"""The survey tool, in Tokyo.

Runbook. Answers to the recommendation survey come as CSV with semicolons and Tokyo's own clock; product feedback of a
month as XML in ISO-8859-1. Invitations go to the address of the order, so an answer is known by it.
"""

from datetime import timedelta

from bronze.source import Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Between

NPS = Source(
    name="surveys_nps",
    doc="One row per answer to: would you recommend us?",
    path="surveys/nps/*.csv",
    format="csv",
    options={"sep": ";"},
    key=("response_id",),
    columns={
        "response_id": Field("string", "The answer."),
        "email": Field("string", "The address that was invited.", "personal"),
        "score": Field("int", "From 0 to 10.", required=True),
        "comment": Field("string", "What else was said.", "personal"),
        "answered_at": Field("timestamp", "When.", pattern="yyyy/MM/dd HH:mm", required=True),
    },
    rules=(Between(column="score", low=0, high=10),),
    feeds=(
        touch(
            "survey",
            "answered",
            touch_id="concat('surveys/nps/', response_id)",
            party_id="concat('surveys/', email)",
            score="score",
            at="answered_at",
        ),
        party("concat('surveys/', email)", "surveys", email="email", where="email IS NOT NULL"),
    ),
    fresh_within=timedelta(days=4),
    timezone="Asia/Tokyo",
)

PRODUCT_FEEDBACK = Source(
    name="surveys_product_feedback",
    doc="One row per answer on a product that was bought.",
    path="surveys/product_feedback/*.xml",
    format="xml",
    options={"row": "answer"},
    key=("response_id",),
    columns={
        "response_id": Field("string", "The answer.", path="@id"),
        "email": Field("string", "The address that was invited.", "personal", path="respondent"),
        "sku": Field("string", "The product.", path="product.@sku", required=True),
        "stars": Field("int", "From 1 to 5.", required=True),
        "comment": Field("string", "What else was said.", "personal"),
        "answered_at": Field("timestamp", "When.", path="answered", required=True),
    },
    rules=(Between(column="stars", low=1, high=5),),
    feeds=(
        touch(
            "survey",
            "answered",
            touch_id="concat('surveys/feedback/', response_id)",
            party_id="concat('surveys/', email)",
            product_id="sku",
            score="stars",
            at="answered_at",
        ),
        party("concat('surveys/', email)", "surveys", email="email", where="email IS NOT NULL"),
    ),
    fresh_within=timedelta(days=40),
    timezone="Asia/Tokyo",
)
