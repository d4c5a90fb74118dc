"""The CRM, in New York.

Runbook. Accounts and contacts are change logs: `seq` numbers the changes, and the highest holds. Accounts are
Windows-1252 (a name in another script is all question marks, and care has it in full in its cases); contacts are UTF-16
from an old tool. The first file has everything from before the CRM was connected. Who is known to the shop and to the
loyalty programme often has two accounts. A contact, a consent and a case are parties of their own, which name their
account: an account that is deleted takes only itself away. Cases and notes come once a month. Test and staff accounts
say so in `type`.
"""

from datetime import timedelta

from bronze.source import Changes, Feed, Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Matches, OneOf

ADDRESS = r"[^@\s]+@[^@\s]+\.[^@\s]+"
NEW_YORK = "America/New_York"

ACCOUNTS = Source(
    name="crm_accounts",
    doc="One row per change of a customer's account.",
    path="crm/accounts/*.csv",
    format="csv",
    options={"sep": ";", "encoding": "cp1252"},
    key=("account_id",),
    columns={
        "op": Field("string", "I(nsert), U(pdate) or D(elete)."),
        "seq": Field("bigint", "The number of the change."),
        "account_id": Field("string", "The account.", "pseudonymous"),
        "salutation": Field("string", "Ms or Mr.", "personal"),
        "first_name": Field("string", "Given name, as it was typed.", "personal"),
        "middle": Field("string", "Initial.", "personal"),
        "last_name": Field("string", "Family name, as it was typed.", "personal"),
        "suffix": Field("string", "Jr.: of who has the father's name.", "personal"),
        "birth_date": Field("date", "Some gave none, some the first of January.", "personal", pattern="dd.MM.yyyy"),
        "street": Field("string", "Street and house.", "personal"),
        "street_2": Field("string", "Flat.", "personal"),
        "city": Field("string", "The city.", "personal"),
        "postal_code": Field("string", "The postal code.", "personal"),
        "country": Field("string", "The country.", "personal"),
        "type": Field("string", "b2c, staff or test."),
        "changed_at": Field("timestamp", "When it was changed.", pattern="dd.MM.yyyy HH:mm:ss", required=True),
    },
    rules=(
        OneOf(column="op", values=("I", "U", "D")),
        OneOf(column="type", values=("b2c", "staff", "test")),
        OneOf(column="country", values=("US", "GB", "DE", "JP"), severity="warning"),
    ),
    feeds=(
        party(
            "concat('crm/', account_id)",
            "crm",
            kind="CASE type WHEN 'b2c' THEN 'customer' ELSE type END",
            given_name="first_name",
            family_name="last_name",
            born_on="birth_date",
            street="concat_ws(', ', street, street_2)",
            city="city",
            postal_code="postal_code",
            country="country",
        ),
    ),
    timezone=NEW_YORK,
    delivery="changes",
    changes=Changes(operation="op", sequence="seq"),
)

CONTACTS = Source(
    name="crm_contacts",
    doc="One row per change of an address or a number by which an account is reached.",
    path="crm/contacts/*.txt",
    format="csv",
    options={"sep": "\t", "encoding": "utf-16"},
    key=("ContactId",),
    columns={
        "Op": Field("string", "I(nsert), U(pdate) or D(elete)."),
        "Seq": Field("bigint", "The number of the change."),
        "ContactId": Field("string", "The entry.", "pseudonymous"),
        "AccountId": Field("string", "The account.", "pseudonymous", required=True),
        "Type": Field("string", "email or phone."),
        "Value": Field("string", "unknown@example.com and the call centre's number are no one's.", "personal"),
        "ChangedAt": Field("timestamp", "When it was changed.", pattern="MM/dd/yyyy hh:mm:ss a", required=True),
    },
    rules=(OneOf(column="Op", values=("I", "U", "D")), OneOf(column="Type", values=("email", "phone"))),
    feeds=(
        party(
            "concat('crm/contact/', ContactId)",
            "crm",
            known_as="concat('crm/', AccountId)",
            email="CASE WHEN Type = 'email' THEN Value END",
            phone="CASE WHEN Type = 'phone' THEN Value END",
        ),
    ),
    timezone=NEW_YORK,
    delivery="changes",
    changes=Changes(operation="Op", sequence="Seq"),
)

CONSENTS = Source(
    name="crm_consents",
    doc="One row per consent given or withdrawn, with the address or number that it was given by.",
    path="crm/consents/*.jsonl.gz",
    format="jsonl",
    key=("consent_id",),
    columns={
        "consent_id": Field("string", "The entry."),
        "account_id": Field("string", "The account, of who had one then.", "pseudonymous"),
        "channel": Field("string", "What it is about.", required=True),
        "granted": Field("boolean", "Given or withdrawn.", required=True),
        "email": Field("string", "By which address.", "personal", path="given_by.email"),
        "phone": Field("string", "By which number.", "personal", path="given_by.phone"),
        "source": Field("string", "Where it was said."),
        "changed_at": Field("timestamp", "When.", pattern="epoch_ms", required=True),
    },
    rules=(
        OneOf(column="channel", values=("email", "sms", "push", "onsite", "ads", "mail")),
        Matches(column="email", pattern=ADDRESS, severity="warning"),
    ),
    feeds=(
        Feed(
            to="silver.consents",
            columns={
                "consent_id": "concat('crm/', consent_id)",
                "party_id": "concat('crm/consent/', consent_id)",
                "channel": "channel",
                "is_granted": "granted",
                "changed_at": "changed_at",
                "reason": "source",
            },
        ),
        party(
            "concat('crm/consent/', consent_id)",
            "crm",
            known_as="concat('crm/', account_id)",
            email="email",
            phone="phone",
        ),
    ),
)

CASES = Source(
    name="crm_cases",
    doc="One row per contact with care, as the agent opened it. Cases about tickets of a till name no order.",
    path="crm/cases/*.avro",
    format="avro",
    key=("case_id",),
    columns={
        "case_id": Field("string", "The case."),
        "account_id": Field("string", "The account, of who had one then.", "pseudonymous"),
        "contact_name": Field("string", "The name, as the agent heard it.", "personal"),
        "contact_phone": Field("string", "The number; often the call centre's own.", "personal"),
        "subject": Field("string", "What it is about."),
        "origin": Field("string", "phone, chat or web form."),
        "order_ref": Field("string", "The order that it is about."),
        "priority": Field("string", "normal or high."),
        "opened_at": Field("timestamp", "When.", required=True),
    },
    rules=(OneOf(column="priority", values=("normal", "high"), severity="warning"),),
    feeds=(
        touch(
            "care",
            "complained",
            touch_id="concat('crm/', case_id)",
            party_id="concat('crm/case/', case_id)",
            order_id="concat('shop/', order_ref)",
            at="opened_at",
        ),
        party(
            "concat('crm/case/', case_id)",
            "crm",
            known_as="concat('crm/', account_id)",
            full_name="contact_name",
            phone="contact_phone",
        ),
    ),
    fresh_within=timedelta(days=40),
)

NOTES = Source(
    name="crm_notes",
    doc="One row per note of an agent: text of several lines. Bronze only: it is read, not counted.",
    path="crm/notes/*.csv",
    format="csv",
    options={"multiline": "true"},
    key=("note_id",),
    columns={
        "note_id": Field("string", "The note."),
        "case_id": Field("string", "The case.", required=True),
        "author": Field("string", "Who wrote it.", "pseudonymous"),
        "text": Field("string", "What it says; it names people.", "sensitive", required=True),
        "written_at": Field("timestamp", "When.", pattern="yyyy-MM-dd HH:mm", required=True),
    },
    fresh_within=timedelta(days=40),
    timezone=NEW_YORK,
)

HOUSEHOLD_LINKS = Source(
    name="crm_household_links",
    doc="One row per pair of accounts whose people said that they live together. Bronze only: each stays a party.",
    path="crm/household_links/*.txt",
    format="fixed",
    options={"encoding": "cp1252"},
    key=("account_id", "other_id"),
    columns={
        "account_id": Field("string", "Who is the other's ...", "pseudonymous", width=18),
        "other_id": Field("string", "The other account.", "pseudonymous", width=18),
        "kind": Field("string", "PARTNER, PARENT or TWIN.", "personal", width=8, required=True),
        "known_on": Field("date", "Since when both are known.", width=8, pattern="yyyyMMdd", required=True),
    },
    rules=(OneOf(column="kind", values=("PARTNER", "PARENT", "TWIN")),),
    fresh_within=timedelta(days=60),
)
