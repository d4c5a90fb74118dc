"""Declarations are found in a folder: ours, or somebody else's."""

from pathlib import Path

import pytest

from bronze.registry import declared_sources
from lakehouse.tables import ContractError

DECLARED = """
from bronze.source import Field, Source

{constant} = Source(
    name="{name}", doc="A source.", path="{name}/*.csv", format="csv", key=("id",), columns={{"id": Field("{type}")}}
)
"""


@pytest.fixture
def folder(tmp_path: Path):
    """A folder of modules, by the names of the sources that each declares."""

    def write(*, type: str = "int", **modules: list[str]) -> Path:
        for module, names in modules.items():
            declared = [DECLARED.format(constant=name.upper(), name=name, type=type) for name in names]
            (tmp_path / f"{module}.py").write_text("\n".join(declared))
        return tmp_path

    return write


def test_the_sources_of_a_folder_by_name(folder):
    given = folder(shop=["visits", "orders"], crm=["people"])
    (given / "notes.txt").write_text("not a module")

    assert [source.name for source in declared_sources(given)] == ["orders", "people", "visits"]


def test_a_folder_of_declarations_is_used_in_place_of_the_built_in_ones(folder):
    built_in = {source.name for source in declared_sources()}

    assert {"pos_tickets", "crm_accounts"} <= built_in
    assert not built_in & {source.name for source in declared_sources(folder(shop=["orders"]))}


def test_a_name_is_declared_once(folder):
    with pytest.raises(ContractError, match=r"The source orders is declared twice\. Rename one of the two\."):
        declared_sources(folder(shop=["orders"], web=["orders"]))


def test_one_source_under_two_names_is_one(folder):
    given = folder(shop=["orders"])
    (given / "shop.py").write_text((given / "shop.py").read_text() + "\nSALES = ORDERS\n")

    assert [source.name for source in declared_sources(given)] == ["orders"]


def test_a_folder_without_declarations_says_so(tmp_path):
    (tmp_path / "empty.py").write_text("X = 1")

    with pytest.raises(ContractError, match=f"No sources in {tmp_path}: expected Python modules that declare a Source"):
        declared_sources(tmp_path)


def test_a_folder_that_is_not_there_says_so(tmp_path):
    with pytest.raises(ContractError, match="nowhere: expected a folder of declarations, found none"):
        declared_sources(tmp_path / "nowhere")


def test_a_declaration_that_is_wrong_is_said_on_import(folder):
    with pytest.raises(ContractError, match="Cannot declare the source orders:\n  id: 'text' is not a Spark SQL type"):
        declared_sources(folder(shop=["orders"], type="text"))
