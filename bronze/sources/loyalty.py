"""The loyalty programme, run by an agency in London.

Runbook. Members come when they join and whenever what is known of them changes; the newest row holds. The agency writes
Latin-1 with `|` and `\\N`, British dates and two-digit birth years; its clock is London's. Accruals come daily as
Parquet, redemptions once a month. Tiers and rewards are full lists, each first of the month.
"""

from datetime import timedelta

from bronze.source import Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Between, Matches, OneOf

# A receipt is the shop's order or the till's ticket.
ORDER = "concat(CASE WHEN receipt LIKE 'SO-%' THEN 'shop/' ELSE 'pos/' END, receipt)"

MEMBERS = Source(
    name="loyalty_members",
    doc="One row per version of a member of the programme.",
    path="loyalty/members/*.psv",
    format="csv",
    options={"sep": "|", "encoding": "latin-1", "null": "\\N"},
    key=("member_no",),
    newest_by="updated",
    columns={
        "member_no": Field("bigint", "The member.", "pseudonymous"),
        "surname": Field("string", "Family name.", "personal", required=True),
        "forename": Field("string", "Given name.", "personal"),
        "born": Field("date", "Birthday; some gave none.", "personal", pattern="dd/MM/yy", from_year=1926),
        "email": Field("string", "An address, often an older one.", "personal"),
        "mobile": Field("string", "A number.", "personal"),
        "postcode": Field("string", "The postal code.", "personal"),
        "town": Field("string", "The city.", "personal"),
        "country": Field("string", "The country.", "personal"),
        "home_store": Field("int", "The store nearest to them."),
        "joined": Field("date", "When they joined.", pattern="dd/MM/yyyy", required=True),
        "updated": Field("timestamp", "When this was written.", pattern="dd/MM/yyyy HH:mm:ss", required=True),
    },
    rules=(Matches(column="email", pattern=r"[^@\s]+@[^@\s]+\.[^@\s]+", severity="warning"),),
    feeds=(
        party(
            "concat('loyalty/', member_no)",
            "loyalty",
            given_name="forename",
            family_name="surname",
            born_on="born",
            email="email",
            phone="mobile",
            city="town",
            postal_code="postcode",
            country="country",
        ),
    ),
    timezone="Europe/London",
)

ACCRUALS = Source(
    name="loyalty_accruals",
    doc="One row per purchase that earned points.",
    path="loyalty/accruals/*.parquet",
    format="parquet",
    key=("accrual_id",),
    columns={
        "accrual_id": Field("string", "The entry."),
        "member_no": Field("bigint", "The member.", "pseudonymous", required=True),
        "receipt": Field("string", "The till's ticket or the shop's order."),
        "points": Field("int", "What was earned.", required=True),
        "earned_at": Field("timestamp", "When.", required=True),
    },
    rules=(Between(column="points", low=1),),
    feeds=(
        touch(
            "loyalty",
            "earned points",
            touch_id="concat('loyalty/', accrual_id)",
            party_id="concat('loyalty/', member_no)",
            order_id=ORDER,
            at="earned_at",
        ),
    ),
)

REDEMPTIONS = Source(
    name="loyalty_redemptions",
    doc="One row per reward that was taken for points.",
    path="loyalty/redemptions/*.jsonl",
    format="jsonl",
    key=("redemption",),
    columns={
        "redemption": Field("string", "The entry."),
        "member_no": Field("bigint", "The member.", "pseudonymous", path="member.number", required=True),
        "reward_code": Field("string", "The reward.", path="reward.code"),
        "points": Field("int", "What it cost.", path="reward.points", required=True),
        "receipt": Field("string", "The till's ticket or the shop's order."),
        "redeemed_at": Field("timestamp", "When.", required=True),
    },
    rules=(Between(column="points", low=1),),
    feeds=(
        touch(
            "loyalty",
            "redeemed",
            touch_id="concat('loyalty/', redemption)",
            party_id="concat('loyalty/', member_no)",
            offer_code="reward_code",
            order_id=ORDER,
            at="redeemed_at",
        ),
        party("concat('loyalty/', member_no)", "loyalty"),
    ),
    fresh_within=timedelta(days=40),
    timezone="Europe/London",
)

TIERS = Source(
    name="loyalty_tiers",
    doc="One row per tier of the programme. What the newest file lacks is gone. Bronze only: it names nobody.",
    path="loyalty/tiers/*.csv",
    format="csv",
    key=("tier",),
    columns={
        "tier": Field("string", "The tier."),
        "name": Field("string", "What members call it.", required=True),
        "from_points": Field("int", "Points of a year from which on a member is in it.", required=True),
        "points_rate": Field("decimal(5,2)", "Points for one unit of money."),
        "as_of": Field("date", "The day of the list.", pattern="dd/MM/yyyy", required=True),
    },
    rules=(Between(column="from_points", low=0),),
    fresh_within=timedelta(days=40),
    delivery="snapshot",
    snapshot_of="as_of",
)

REWARDS = Source(
    name="loyalty_rewards",
    doc="One row per reward that points buy. What the newest file lacks is gone. Bronze only: it names nobody.",
    path="loyalty/rewards/*.xml",
    format="xml",
    options={"row": "reward"},
    key=("code",),
    columns={
        "code": Field("string", "The reward.", path="@code"),
        "name": Field("string", "What it is.", required=True),
        "points": Field("int", "What it takes.", required=True),
        "currency": Field("string", "The currency of its cost.", path="cost.@currency"),
        "cost": Field("decimal(10,2)", "What it costs the programme."),
        "valid_from": Field("date", "The day of the list.", required=True),
    },
    rules=(Between(column="points", low=1), OneOf(column="currency", values=("GBP",), severity="warning")),
    fresh_within=timedelta(days=40),
    delivery="snapshot",
    snapshot_of="valid_from",
)
