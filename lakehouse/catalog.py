"""Declared tables as dbt sources, so that a column is described in one place."""

from collections.abc import Iterable
from typing import Any

import yaml

from lakehouse.tables import Column, Table

HEADER = "# Made from the Table declarations by `python -m jobs.dbt_sources`. Do not edit.\n"


def dbt_source(layer: str, doc: str, tables: Iterable[Table]) -> str:
    """One layer's tables as a dbt sources file: meanings, types, and privacy and key in meta."""
    source = {
        "name": layer,
        "description": doc,
        "schema": layer,
        "tables": [dbt_table(table) for table in sorted(tables, key=lambda table: table.name)],
    }
    return HEADER + yaml.safe_dump({"sources": [source]}, sort_keys=False, allow_unicode=True, width=120)


def dbt_table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name.removeprefix(f"{table.layer}."),
        "description": f"{table.doc} Grain: {table.grain}.",
        "config": {"meta": {"key": list(table.key)}},
        "columns": [dbt_column(name, column) for name, column in table.columns.items()],
    }


def dbt_column(name: str, column: Column) -> dict[str, Any]:
    described: dict[str, Any] = {"name": name, "description": column.doc, "data_type": column.type}
    if column.privacy != "none":
        described["config"] = {"meta": {"privacy": column.privacy}}
    return described
