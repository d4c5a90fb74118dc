"""Writes dbt/models/sources/*.yml from the Table declarations; with `--check` it only compares."""

import pkgutil
import sys
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from types import ModuleType

import bronze.ledger
import gold
import ml.tables
import silver.tables
from lakehouse.catalog import dbt_source
from lakehouse.tables import Table

FOLDER = Path(__file__).parent.parent / "dbt" / "models" / "sources"

ABOUT = {
    "bronze": "What landed: which files were seen, what became of each load, and which rows were refused.",
    "silver": "The canonical tables: what every source is conformed to, and who is who.",
    "gold": "What models read: features, weeks and sequences of each customer, as known at the end of a day.",
    "ml": "What models leave behind: how they were trained and tested, and what they say of each customer.",
}


def main(arguments: list[str] | None = None) -> None:
    parser = ArgumentParser(prog="python -m jobs.dbt_sources", description="Make dbt's sources from the declarations.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a file is stale")
    check = parser.parse_args(arguments).check
    stale = stale_files()
    if check and stale:
        names = ", ".join(sorted(path.name for path in stale))
        sys.exit(f"Stale in {FOLDER}: {names}.\nRun `python -m jobs.dbt_sources`, and commit what it writes.")
    if not check:
        write(stale)


def stale_files() -> dict[Path, str | None]:
    """The files that differ from the declarations, with what they should hold; None where they should not be."""
    expected = {FOLDER / f"{layer}.yml": text for layer, text in source_files().items()}
    stale: dict[Path, str | None] = {path: None for path in FOLDER.glob("*.yml") if path not in expected}
    for path, text in expected.items():
        if not path.exists() or path.read_text() != text:
            stale[path] = text
    return stale


def write(files: dict[Path, str | None]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        if text is None:
            path.unlink()
        else:
            path.write_text(text)


def source_files() -> dict[str, str]:
    """The text of each layer's sources file."""
    tables = declared_tables()
    return {
        layer: dbt_source(layer, doc, [table for table in tables.values() if table.layer == layer])
        for layer, doc in ABOUT.items()
    }


def declared_tables() -> dict[str, Table]:
    """Every Table that dbt may read, by name: of bronze, those that tell of loads and not those of single sources."""
    modules = [bronze.ledger, silver.tables, *modules_of(gold), ml.tables]
    return {table.name: table for module in modules for table in vars(module).values() if isinstance(table, Table)}


def modules_of(package: ModuleType) -> list[ModuleType]:
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return [import_module(f"{package.__name__}.{name}") for name in names]


if __name__ == "__main__":
    main()
