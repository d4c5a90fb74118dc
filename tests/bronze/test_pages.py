"""Every declared source has a page, and pages say what the declarations say."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bronze.pages import INDEX, index, page, pages, table
from bronze.registry import declared_systems
from bronze.source import Changes, Feed, Field, Source
from lakehouse.rules import Between, OneOf

NO_PATHS = {"op": Field("string"), "seq": Field("bigint"), "id": Field("string"), "spent": Field("int")}
FOLDERS = [None, Path(__file__).parents[2] / "bronze/sources/complete_journey"]

ACCOUNTS = Source(
    name="crm_accounts",
    doc="One row per change of an account.",
    path="crm/accounts/*.xml",
    format="xml",
    options={"row": "account"},
    key=("id",),
    columns={
        "op": Field("string", "I, U or D."),
        "seq": Field("bigint", "The number of the change."),
        "id": Field("string", "The account.", "pseudonymous", path="@id"),
        "born": Field("date", "A | B.", "personal", pattern="dd.MM.yyyy", required=True),
        "spent": Field("decimal(10,2)", "In all.", decimal=","),
    },
    rules=(OneOf(column="op", values=("I", "U", "D")), Between(column="spent", low=0, severity="warning")),
    feeds=(Feed(to="silver.parties", columns={"party_id": "concat('crm/', id)"}, where="op <> 'D'"),),
    delivery="changes",
    changes=Changes(operation="op", sequence="seq"),
    fresh_within=timedelta(hours=30),
    timezone="Europe/Berlin",
    new_columns="quarantine",
)


@pytest.mark.parametrize("folder", FOLDERS, ids=["built in", "retailer"])
def test_every_declared_source_has_a_page_and_is_listed_with_its_system(folder):
    systems = declared_systems(folder)
    texts = pages(systems)
    sources = [source for _, declared in systems.values() for source in declared]

    assert set(texts) == {INDEX, *(f"{source.name}.md" for source in sources)}
    for source in sources:
        assert f"| [{source.name}]({source.name}.md) | {source.format} | {source.delivery} |" in texts[INDEX]
    for system in systems:
        assert f"\n## {system}\n" in texts[INDEX]


@pytest.mark.parametrize("folder", FOLDERS, ids=["built in", "retailer"])
def test_a_page_has_each_column_rule_and_feed_as_declared(folder):
    for runbook, sources in declared_systems(folder).values():
        for source in sources:
            text = page(source, "system", runbook)
            assert text.startswith(f"# {source.name}\n\n{source.doc}\n")
            for name, column in source.columns.items():
                (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` | {column.type}")]
                assert row.endswith(f" {escaped(column.doc)} |")
                assert (f" {column.privacy} |" in row) == (column.privacy != "none")
            assert all(escaped(rule.name) in text for rule in source.rules)
            assert all(f"### {feed.to}" in text for feed in source.feeds)
            assert runbook in text


def escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def test_the_page_of_a_source():
    assert page(ACCOUNTS, "crm", "The CRM.\n\nRunbook. Call Ann.") == EXPECTED


EXPECTED = r"""# crm_accounts

One row per change of an account.

| About |  |
|---|---|
| System | [crm](README.md#crm) |
| Files | `crm/accounts/*.xml` |
| Format | xml: row 'account' |
| Delivery | changes. Each row tells a change: the one with the highest number holds. |
| Key | `id` |
| Fresh within | 30 hours |
| Time zone | Europe/Berlin, of moments that do not say their own |
| Table | `bronze.crm_accounts` |
| Columns that no one declared | quarantine. A record that has one is refused. |
| Changes | `op` says what, `seq` counts; D: gone |

## Columns

| Column | Type | Required | Privacy | Path | Meaning |
|---|---|---|---|---|---|
| `op` | string | yes |  | `op` | I, U or D. |
| `seq` | bigint | yes |  | `seq` | The number of the change. |
| `id` | string | yes | pseudonymous | `@id` | The account. |
| `born` | date like dd.MM.yyyy | yes | personal | `born` | A \| B. |
| `spent` | decimal(10,2) like 1234,5 |  |  | `spent` | In all. |

## Rules

A row that breaks a rule of severity error goes to `bronze.quarantine`; a warning is counted.

| A row breaks it when | Severity |
|---|---|
| op is not one of I, U, D | error |
| spent is below 0 | warning |

## What it feeds

### silver.parties, where `op <> 'D'`

| Column | From |
|---|---|
| `party_id` | `concat('crm/', id)` |

## Runbook

The CRM.

Runbook. Call Ann.
"""


def test_what_becomes_of_new_columns_is_told_of_files_that_name_theirs():
    of_no_names = replace(ACCOUNTS, format="csv", options={"header": "false"}, columns=NO_PATHS, new_columns="rescue")

    assert "| Columns that no one declared | rescue. They are kept in `_rescued`. |" in page(
        replace(ACCOUNTS, new_columns="rescue"), "crm", ""
    )
    assert "no one declared" not in page(of_no_names, "crm", "")


def test_the_index_lists_sources_by_system():
    assert index({"crm": ("The CRM.", [ACCOUNTS])}) == (
        "# Sources\n\nBy system, as they are declared: 1 in all.\n\n## crm\n\nThe CRM.\n\n"
        "| Source | Format | Delivery | Feeds | What it is |\n|---|---|---|---|---|\n"
        "| [crm_accounts](crm_accounts.md) | xml | changes | silver.parties | One row per change of an account. |\n"
    )


def test_a_cell_is_one_line_and_its_bars_are_escaped():
    assert table(("a",), [("x | y\nz",)])[-1] == "| x \\| y z |"
