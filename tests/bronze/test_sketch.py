"""A sketched declaration imports, is laid out as our code, and takes in every record that its samples hold."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bronze.registry import declared_sources
from bronze.sample import claimed, given
from bronze.sketch import FILL_IN, Sketch, sketch
from bronze.sketch.layout import laid_out
from bronze.sketch.spelling import spelled
from bronze.sketch.text import module_text
from bronze.source import Source
from lakehouse.tables import ContractError
from simulator.feeds.systems import BY_NAME
from simulator.world.config import Config
from simulator.world.run import simulate
from tests.simulator.readings import records, refusals, undeclared

FEEDS = {source.name: source for source in declared_sources() if source.name in BY_NAME}
A_FEW = 3  # files of a feed


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What all of the retailer's systems write in some months, with all that is wrong in it."""
    folder = tmp_path_factory.mktemp("world") / "landing"
    simulate(folder, Config(people=2_500, seed=1), date(2024, 4, 14), foresee_weeks=1)
    return folder


@lru_cache(maxsize=1)
def reviewed(folder: Path) -> list[str]:
    """What our linter says of a folder's format."""
    command = [sys.executable, "-m", "ruff", "format", "--check", "--isolated", "--line-length", "120", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    return [line for line in done.stdout.splitlines() if line.startswith("Would reformat")]


@pytest.fixture(scope="module")
def sketches(landing: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Sketch]]:
    """A folder with a declaration for each feed that wrote files, and what was said of each."""
    folder = tmp_path_factory.mktemp("sketched")
    made = {}
    for name, feed in FEEDS.items():
        if files := claimed(str(landing), feed)[:A_FEW]:
            made[name] = sketch(name, files)
            (folder / f"{name}.py").write_text(module_text(made[name]))
    return folder, made


@pytest.mark.timeout(900)
def test_all_feeds_are_sketched_and_each_text_imports_as_what_it_was_made_of(sketches):
    folder, made = sketches

    assert {*made} == {*FEEDS}
    assert {source.name: source for source in declared_sources(folder)} == {n: s.source for n, s in made.items()}


@pytest.mark.parametrize("name", FEEDS)
def test_what_is_sketched_takes_in_all_records_that_can_be_told_apart(name, sketches, landing):
    _, made = sketches
    source = made[name].source
    wrong, others, total = [], set(), 0
    for file in claimed(str(landing), FEEDS[name])[:A_FEW]:
        for row in records(Path(file.path), source):
            total += 1
            others |= undeclared(row)
            wrong += [] if row["_error"] else refusals(row, source)

    assert (wrong, others) == ([], set())
    assert total == made[name].records + len(made[name].refused)
    assert {file.file for file in claimed(str(landing), source)} >= {
        file.file for file in claimed(str(landing), FEEDS[name])[:A_FEW]
    }


@pytest.mark.parametrize("name", FEEDS)
def test_the_format_and_its_options_are_found(name, sketches):
    _, made = sketches
    source, feed = made[name].source, FEEDS[name]

    assert source.format == feed.format
    for option in ("sep", "row", "header"):
        assert source.options.get(option) == feed.options.get(option), option


def test_what_is_written_is_laid_out_as_our_code(sketches):
    folder, _ = sketches

    assert reviewed(folder) == []


def test_what_only_a_person_knows_is_marked(sketches):
    _, made = sketches
    source = made["shop_orders"].source

    assert FILL_IN in source.doc
    assert {column.doc for column in source.columns.values()} == {FILL_IN}


def test_whom_a_column_tells_of_is_guessed(sketches):
    _, made = sketches
    privacy = {name: column.privacy for name, column in made["shop_orders"].source.columns.items()}

    assert {name for name, each in privacy.items() if each == "personal"} >= {"Email", "Vorname", "Nachname", "Telefon"}
    assert privacy["Kundennummer"] == "pseudonymous"
    assert privacy["Gesamt"] == "none"


SPELLED = {
    ("1", "-20", "300"): ("int", {}),
    ("1", "3000000000"): ("bigint", {}),
    ("007", "012"): ("string", {}),
    ("1.50", "20.25", "3"): ("decimal(12,2)", {}),
    ("1.5e3", "2.0"): ("double", {}),
    ("1,50", "1.234,00"): ("decimal(12,2)", {"decimal": ",", "thousands": "."}),
    ("1,234.50", "2.00"): ("decimal(12,2)", {"thousands": ","}),
    ("true", "False"): ("boolean", {}),
    ("Y", "N"): ("boolean", {"truth": ("Y", "N")}),
    ("Y", "Y"): ("string", {}),
    ("2024-06-30",): ("date", {}),
    ("2024-06-31",): ("string", {}),
    ("31.12.2024",): ("date", {"pattern": "dd.MM.yyyy"}),
    ("1.12.2024", "31.1.2024"): ("date", {"pattern": "d.M.yyyy"}),
    ("13/01/2024",): ("date", {"pattern": "dd/MM/yyyy"}),
    ("01/13/2024",): ("date", {"pattern": "MM/dd/yyyy"}),
    ("13.01.24",): ("date", {"pattern": "dd.MM.yy", "from_year": 1970}),
    ("2024-06-30T12:00:00Z", "2024-06-30 12:00"): ("timestamp", {}),
    ("30.06.2024 12:00:59",): ("timestamp", {"pattern": "dd.MM.yyyy HH:mm:ss"}),
    ("06/13/2024 01:05:00 PM",): ("timestamp", {"pattern": "MM/dd/yyyy hh:mm:ss a"}),
    ("02 Jan 2024, 03:04",): ("timestamp", {"pattern": "dd MMM yyyy, HH:mm"}),
    ("1719748800",): ("timestamp", {"pattern": "epoch_s"}),
    ("1719748800000",): ("timestamp", {"pattern": "epoch_ms"}),
    ("nan", "1.0"): ("string", {}),
    (): ("string", {}),
}


@pytest.mark.parametrize("texts", SPELLED)
def test_a_type_is_what_all_texts_spell(texts):
    found = spelled(texts, "sent_at", ";" if any("," in text for text in texts) and "1,50" in texts else ",")

    assert (found.type, found.how) == SPELLED[texts]


def test_digits_are_a_moment_only_where_the_name_says_so():
    assert spelled(("1719748800", "1719748801"), "amount").type == "bigint"


def test_few_values_that_stand_out_are_told():
    texts = [f"{n}.01.2024" for n in range(10, 31)] + ["soon"]

    assert spelled(texts, "delivered_on").remark == "all but 1 of 22 values are date: 'soon'"


def test_day_and_month_that_could_be_the_other_way_round_are_told():
    assert "could be the other way round: '05/06/2024'" in spelled(["05/06/2024"], "sent_on").remark


@pytest.fixture
def sketched(tmp_path: Path) -> Callable[..., Source]:
    """The declaration that is sketched of files with these contents."""

    def of(**contents: str | bytes) -> Source:
        for name, content in contents.items():
            path = tmp_path / name.replace("__", ".")
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return sketch("samples", given(sorted(tmp_path.iterdir()), "/nowhere")).source

    return of


def test_a_text_that_stands_for_no_value(sketched):
    source = sketched(a__csv="id,paid\n1,2.50\n2,n/a\n3,4.00\n")

    assert source.options == {"null": "n/a"}
    assert (source.columns["paid"].type, source.columns["paid"].required) == ("decimal(12,2)", False)


def test_lines_within_quotes(sketched):
    source = sketched(a__csv='id,text\n1,"two\nlines"\n2,"one, line"\n3,none\n')

    assert source.options == {"multiline": "true"}
    assert [*source.columns] == ["id", "text"]


def test_a_quote_that_is_no_quote(sketched):
    source = sketched(a__tsv='id\tsize\n1\t"\n2\t12"\n3\t"5\n4\t7"\n')

    assert source.options == {"sep": "\t", "quote": ""}


def test_lines_without_a_header(sketched):
    source = sketched(a__psv="1|tea|2.50\n2|salt|1.00\n3|tea|3.00\n")

    assert source.options == {"sep": "|", "header": "false"}
    assert [column.type for column in source.columns.values()] == ["int", "string", "decimal(12,2)"]


def test_an_array_is_one_column_of_its_type(sketched):
    source = sketched(a__jsonl='{"id":1,"lines":[{"sku":"a","n":2}]}\n{"id":2,"lines":[]}\n')

    assert source.columns["lines"].type == "array<struct<sku: string, n: bigint>>"


def test_names_that_paths_share_are_told_apart(sketched):
    source = sketched(a__jsonl='{"id":1,"buyer":{"name":"A"},"shop":{"name":"B"}}\n{"id":2}\n')

    assert {name: column.path for name, column in source.columns.items()} == {
        "id": None, "buyer_name": "buyer.name", "shop_name": "shop.name",
    }  # fmt: skip


def test_two_columns_are_a_key_where_one_is_not(sketched):
    source = sketched(a__csv="order_no,line_no,sku\n1,1,a\n1,2,a\n2,1,b\n2,2,b\n")

    assert source.key == ("order_no", "line_no")


def test_a_large_document_is_read_whole(sketched):
    records = ",".join(f'{{"id": {n}, "name": "{"x" * 100}"}}' for n in range(12_000))
    source = sketched(a__json=f'{{"exported": "today", "things": [{records}]}}')

    assert (source.format, source.options) == ("json", {"records": "things"})
    assert source.key == ("id",)


def test_parquet_says_its_types(tmp_path: Path):
    table = pa.table({"id": pa.array([1, 2], pa.int32()), "tags": [["a"], []], "paid": pa.array([1.5, None])})
    pq.write_table(table, tmp_path / "a.parquet")

    source = sketch("samples", given([tmp_path / "a.parquet"], "/nowhere")).source

    assert {name: column.type for name, column in source.columns.items()} == {
        "id": "int", "tags": "array<string>", "paid": "double",
    }  # fmt: skip
    assert source.key == ("id",)


def test_files_that_hold_nothing_say_so(sketched):
    with pytest.raises(ContractError, match="Cannot sketch a source of files that hold nothing"):
        sketched(a__csv="")


def test_files_of_no_known_format_say_so(sketched):
    with pytest.raises(ContractError, match="Cannot tell how these files are laid out"):
        sketched(a__bin="x" * 500 + "\n" + "y" * 400 + "\n" + "z" * 300)


def test_a_later_column_of_a_header_is_taken_too(tmp_path: Path):
    (tmp_path / "a_1.csv").write_text("id,sku\n1,a\n2,b\n")
    (tmp_path / "a_2.csv").write_text("id,sku,till\n3,c,9\n4,d,9\n")

    laid = laid_out(given([tmp_path / "a_1.csv", tmp_path / "a_2.csv"], "/nowhere"))

    assert set(laid.names) == {"id", "sku", "till"}
