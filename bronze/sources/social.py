"""The tool that listens to social networks, in Los Angeles.

Runbook. Posts that mention the retailer come as one JSON document a day, with the hashtags of each as an array; direct
messages as JSON lines in the tool's own zone, said in each; the new followers of a month as CSV. People are known by
their handles alone, and by what they choose to be called there.
"""

from datetime import timedelta

from bronze.source import Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Between, Matches

HANDLE = "@[a-z0-9_.]+"

MENTIONS = Source(
    name="social_mentions",
    doc="One row per post that mentions the retailer.",
    path="social/mentions/*.json",
    format="json",
    options={"records": "posts"},
    key=("post_id",),
    columns={
        "post_id": Field("string", "The post.", path="id"),
        "handle": Field("string", "Who wrote it.", "pseudonymous", path="author.handle", required=True),
        "display_name": Field("string", "What they call themselves.", "personal", path="author.name"),
        "followers": Field("int", "How many follow them.", path="author.followers"),
        "text": Field("string", "What it says.", "personal"),
        "hashtags": Field("array<string>", "Its hashtags.", path="entities.hashtags"),
        "sentiment": Field("double", "The tool's guess, from -1 to 1.", path="analysis.sentiment"),
        "posted_at": Field("timestamp", "When.", path="created_at", pattern="MMM dd yyyy HH:mm:ss", required=True),
    },
    rules=(Between(column="sentiment", low=-1, high=1), Matches(column="handle", pattern=HANDLE, severity="warning")),
    feeds=(
        touch(
            "social",
            "mentioned",
            touch_id="concat('social/', post_id)",
            party_id="concat('social/', handle)",
            score="sentiment",
            at="posted_at",
        ),
        party("concat('social/', handle)", "social", full_name="display_name"),
    ),
    fresh_within=timedelta(days=4),
    timezone="America/Los_Angeles",
)

MESSAGES = Source(
    name="social_messages",
    doc="One row per direct message to the retailer.",
    path="social/messages/*.jsonl",
    format="jsonl",
    key=("message_id",),
    columns={
        "message_id": Field("string", "The message.", path="id"),
        "handle": Field("string", "Who wrote it.", "pseudonymous", path="from.handle", required=True),
        "display_name": Field("string", "What they call themselves.", "personal", path="from.name"),
        "text": Field("string", "What it says.", "personal"),
        "sent_at": Field("timestamp", "When.", path="sent", required=True),
    },
    feeds=(
        touch(
            "social",
            "messaged",
            touch_id="concat('social/', message_id)",
            party_id="concat('social/', handle)",
            at="sent_at",
        ),
        party("concat('social/', handle)", "social", full_name="display_name"),
    ),
    fresh_within=timedelta(days=7),
    timezone="America/Los_Angeles",
)

FOLLOWERS = Source(
    name="social_followers",
    doc="One row per person who began to follow the retailer.",
    path="social/followers/*.csv",
    format="csv",
    key=("handle",),
    columns={
        "handle": Field("string", "Who follows.", "pseudonymous"),
        "display_name": Field("string", "What they call themselves.", "personal"),
        "network": Field("string", "Where."),
        "followed_at": Field("timestamp", "When.", pattern="dd MMM yyyy, HH:mm", required=True),
    },
    newest_by="followed_at",
    feeds=(
        touch(
            "social",
            "followed",
            touch_id="concat('social/followed/', handle)",
            party_id="concat('social/', handle)",
            at="followed_at",
        ),
        party("concat('social/', handle)", "social", full_name="display_name"),
    ),
    fresh_within=timedelta(days=40),
    timezone="America/Los_Angeles",
)
