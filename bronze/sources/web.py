"""The website's own analytics.

Runbook. The collector writes what it saw on a day in the night after, at 02:00 UTC; a browser is known by its cookie
until that is deleted, and by its customer from the log-in on. Page views are zipped JSON lines; the warehouse team's
extract of product views is Parquet; searches are tab-separated; the sessions come from the old analytics tool in New
York, which writes its own clock. A day that was incomplete is sent again under the name `..._resend`.
"""

from datetime import timedelta

from bronze.source import Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Between, Matches, OneOf

PAGE_VIEWS = Source(
    name="web_page_views",
    doc="One row per page that a browser showed.",
    path="web/page_views/*.jsonl.gz",
    format="jsonl",
    key=("view_id",),
    columns={
        "view_id": Field("string", "The view.", path="id"),
        "viewed_at": Field("timestamp", "When.", path="ts", pattern="epoch_ms", required=True),
        "session_id": Field("string", "The session.", "pseudonymous", path="session", required=True),
        "cookie_id": Field("string", "The browser.", "pseudonymous", path="visitor.cookie", required=True),
        "customer_no": Field("string", "The shop's customer, once logged in.", "pseudonymous", path="visitor.customer"),
        "page_type": Field("string", "The kind of page.", path="page.type"),
        "category": Field("string", "The category that it is about.", path="page.category"),
        "sku": Field("string", "The product that it is about.", path="page.sku"),
    },
    rules=(
        Matches(column="cookie_id", pattern="[0-9a-f]{16}"),
        OneOf(
            column="page_type",
            values=("home", "category", "product", "search", "cart", "checkout", "confirmation", "account"),
            severity="warning",
        ),
    ),
    feeds=(
        touch(
            "web",
            "viewed",
            touch_id="concat('web/', view_id)",
            party_id="concat('web/', cookie_id)",
            product_id="sku",
            at="viewed_at",
            where="page_type IS DISTINCT FROM 'product'",
        ),
        party("concat('web/', cookie_id)", "web", known_as="concat('shop/', customer_no)"),
    ),
    fresh_within=timedelta(hours=30),
)

PRODUCT_VIEWS = Source(
    name="web_product_views",
    doc="One row per product page that a browser showed: the warehouse team's extract of the page views.",
    path="web/product_views/*.parquet",
    format="parquet",
    key=("view_id",),
    columns={
        "view_id": Field("string", "The page view.", required=True),
        "session_id": Field("string", "The session.", "pseudonymous"),
        "cookie_id": Field("string", "The browser.", "pseudonymous", required=True),
        "sku": Field("string", "The product.", required=True),
        "category": Field("string", "Its category."),
        "viewed_at": Field("timestamp", "When.", required=True),
    },
    feeds=(
        touch(
            "web",
            "viewed",
            touch_id="concat('web/', view_id)",
            party_id="concat('web/', cookie_id)",
            product_id="sku",
            at="viewed_at",
        ),
    ),
    fresh_within=timedelta(hours=30),
)

SEARCHES = Source(
    name="web_searches",
    doc="One row per search on the site, with the words as they were typed.",
    path="web/searches/*.tsv",
    format="csv",
    options={"sep": "\t", "quote": ""},
    key=("search_id",),
    columns={
        "search_id": Field("string", "The search."),
        "session_id": Field("string", "The session.", "pseudonymous"),
        "cookie_id": Field("string", "The browser.", "pseudonymous", required=True),
        "term": Field("string", "What was typed.", "personal"),
        "results": Field("int", "How many products were found."),
        "searched_at": Field("timestamp", "When.", required=True),
    },
    rules=(Between(column="results", low=0),),
    feeds=(
        touch(
            "web",
            "searched",
            touch_id="concat('web/', search_id)",
            party_id="concat('web/', cookie_id)",
            at="searched_at",
        ),
    ),
    fresh_within=timedelta(hours=30),
)

SESSIONS = Source(
    name="web_sessions",
    doc="One row per visit to the site, by the old analytics tool.",
    path="web/sessions/*.psv",
    format="csv",
    options={"sep": "|"},
    key=("session_id",),
    columns={
        "session_id": Field("string", "The session.", "pseudonymous"),
        "cookie_id": Field("string", "The browser.", "pseudonymous", required=True),
        "customer_no": Field("string", "The shop's customer, where there was a log-in.", "pseudonymous"),
        "started_at": Field("timestamp", "When it began.", pattern="MM/dd/yyyy hh:mm:ss a", required=True),
        "seconds": Field("int", "How long it lasted."),
        "pages": Field("int", "How many pages it saw."),
        "source": Field("string", "Where the visitor came from."),
        "campaign_code": Field("string", "The campaign that was clicked."),
        "ip_address": Field("string", "The address of the home's or the network's router.", "personal"),
        "browser": Field("string", "The browser and its system.", "pseudonymous"),
    },
    rules=(
        Between(column="pages", low=1),
        Between(column="seconds", low=0),
        Matches(column="ip_address", pattern=r"\d{1,3}(\.\d{1,3}){3}", severity="warning"),
    ),
    feeds=(
        touch(
            "web",
            "visited",
            touch_id="concat('web/', session_id)",
            party_id="concat('web/', cookie_id)",
            campaign_id="campaign_code",
            at="started_at",
        ),
        party("concat('web/', cookie_id)", "web", known_as="concat('shop/', customer_no)"),
    ),
    fresh_within=timedelta(hours=30),
    timezone="America/New_York",
)
