"""dbt's source files say what the declarations say."""

import yaml

from jobs.dbt_sources import main, source_files, stale_files
from jobs.run_dbt import PROJECT
from lakehouse.catalog import dbt_source
from lakehouse.tables import Column, Table

VISITS = Table(
    name="silver.visits",
    doc="Who came.",
    grain="one row per visit",
    key=("visit_id",),
    columns={
        "visit_id": Column("string", "The visit."),
        "name": Column("array<string>", "How the visitor is called: first, last.", "personal"),
    },
)


def test_the_files_are_as_the_declarations_make_them():
    stale = sorted(path.name for path in stale_files())

    assert not stale, f"{', '.join(stale)}: run `python -m jobs.dbt_sources`"


def test_no_column_of_a_mart_is_described_in_more_than_a_local_catalog_holds():
    """It would try to alter the mart ten times, two seconds apart, and give up."""
    files = [yaml.safe_load(path.read_text()) for path in (PROJECT / "models" / "marts").rglob("*.yml")]
    models = [model for file in files for model in file.get("models", ())]
    described = {f"{m['name']}.{c['name']}": c["description"] for m in models for c in m["columns"]}

    assert described
    assert not {column: len(text) for column, text in described.items() if len(text) > 255}


def test_a_table_becomes_a_source_with_its_meanings_types_key_and_privacy():
    [source] = yaml.safe_load(dbt_source("silver", "The canonical tables.", [VISITS]))["sources"]

    assert source == {
        "name": "silver",
        "description": "The canonical tables.",
        "schema": "silver",
        "tables": [
            {
                "name": "visits",
                "description": "Who came. Grain: one row per visit.",
                "config": {"meta": {"key": ["visit_id"]}},
                "columns": [
                    {"name": "visit_id", "description": "The visit.", "data_type": "string"},
                    {
                        "name": "name",
                        "description": "How the visitor is called: first, last.",
                        "data_type": "array<string>",
                        "config": {"meta": {"privacy": "personal"}},
                    },
                ],
            }
        ],
    }


def test_a_file_that_was_edited_is_missing_or_is_of_no_layer_is_stale(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("jobs.dbt_sources.FOLDER", tmp_path / "sources")
    main([])
    assert not stale_files()

    (tmp_path / "sources" / "gold.yml").write_text("sources: []\n")
    (tmp_path / "sources" / "ml.yml").unlink()
    (tmp_path / "sources" / "other.yml").touch()

    assert sorted(path.name for path in stale_files()) == ["gold.yml", "ml.yml", "other.yml"]
    main([])
    assert sorted(path.stem for path in (tmp_path / "sources").iterdir()) == sorted(source_files())
