"""What the README says can be typed, can be typed. Its commands run on the small lakehouse."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from bronze.ingest import ingest
from bronze.ledger import QUARANTINE
from bronze.registry import declared_sources
from lakehouse.delta import Lakehouse
from silver.conformed import check_feeds, refresh
from silver.tables import ORDER_LINES, PARTIES
from tests import readme
from tests.processes import BIN, ROOT, Running, run
from tests.small_lake import RUN, SmallLake

# Looked at, not run: they set up a shell, or need what a test machine lacks.
LOOKED_AT = {"git", "cd", "source", "databricks", "export"}
RUN_HERE = {"orrery", "make", "simulate", "dbt"}


def lines(program: str) -> list[str]:
    return [command.line for command in readme.commands() if command.program == program]


def test_every_command_of_the_readme_is_known_here() -> None:
    unknown = [each.line for each in readme.commands() if each.program not in LOOKED_AT | RUN_HERE]

    assert unknown == [], "no test runs these commands of README.md: add their program to tests/test_readme.py"


@pytest.mark.parametrize("line", lines("make"))
def test_make_has_the_target(line: str) -> None:
    target = next(word for word in shlex.split(line, comments=True)[1:] if "=" not in word)
    help_text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert f"make {target} " in help_text


@pytest.mark.end_to_end
@pytest.mark.timeout(1800)
def test_run_twice_changes_nothing(small_lake: SmallLake, tmp_path: Path) -> None:
    """Not one row more, and no table rewritten that has nothing new."""
    before = small_lake.versions()

    again = Running(small_lake.lake.command(*RUN), tmp_path / "again.log")
    took = again.wait()

    assert took.code == 0, again.output[-4000:]
    assert small_lake.versions() == before
    for word in ("rebuilt", "merged"):
        assert word not in again.output
    print(f"again: {took.seconds:.0f} s, {took.peak_bytes / 2**30:.1f} GiB")


@pytest.mark.end_to_end
@pytest.mark.timeout(1800)
def test_a_run_leaves_no_process_behind_and_stays_in_its_memory(small_lake: SmallLake) -> None:
    took = small_lake.took

    assert took.left_behind == 0
    assert took.peak_bytes < 8 * 2**30
    print(f"run: {took.seconds:.0f} s, {took.cpu_seconds:.0f} s of CPU, {took.peak_bytes / 2**30:.1f} GiB")


@pytest.mark.end_to_end
@pytest.mark.timeout(1800)
def test_the_commands_of_the_readme_run(small_lake: SmallLake, tmp_path: Path) -> None:
    asked = [f"orrery sql {shlex.quote(each)}" for each in readme.statements()]
    to_run = [line for line in lines("orrery") if "--continuous" not in line] + asked

    with small_lake.as_it_was("finished"):
        ended = run_all(to_run, small_lake, tmp_path)

    assert ended == [[line, 0] for line in to_run], (tmp_path / "commands.log").read_text()[-6000:]


@pytest.mark.end_to_end
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("line", [line for line in lines("orrery") if "--continuous" in line])
def test_a_command_that_goes_on_watches(line: str, small_lake: SmallLake, tmp_path: Path) -> None:
    with small_lake.as_it_was("finished"):
        words = shlex.split(line, comments=True)
        running = Running([str(BIN / words[0]), *words[1:]], tmp_path / "watching.log", of(small_lake))
        while "Watching" not in running.output and not running.has_ended:
            time.sleep(0.1)
        watches = not running.has_ended
        running.kill()

    assert watches, running.output


@pytest.mark.end_to_end
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("line", lines("simulate"))
def test_simulate_writes_what_the_readme_says(line: str, tmp_path: Path) -> None:
    """With few people."""
    words = [*shlex.split(line, comments=True), "--people", "50"]

    run([str(BIN / words[0]), *words[1:]], tmp_path / "simulate.log", {"ORRERY_LANDING": str(tmp_path / "landing")})


@pytest.mark.end_to_end
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("line", lines("dbt"))
def test_dbt_runs_by_itself(line: str, small_lake: SmallLake, tmp_path: Path) -> None:
    """With the Spark configuration that `make setup` wrote, for another lakehouse."""
    defaults = (ROOT / ".cache" / "spark-conf" / "spark-defaults.conf").read_text()
    (tmp_path / "spark-defaults.conf").write_text(defaults.replace(str(ROOT / ".lakehouse"), str(small_lake.home)))
    env = {
        "SPARK_CONF_DIR": str(tmp_path),
        "DBT_TARGET_PATH": str(tmp_path / "target"),
        "DBT_LOG_PATH": str(tmp_path / "logs"),
    }
    words = shlex.split(line, comments=True)

    with small_lake.as_it_was("finished"):
        run([str(BIN / words[0]), *words[1:]], tmp_path / "dbt.log", env)

    assert "ERROR=0" in (tmp_path / "dbt.log").read_text()


@pytest.mark.spark
@pytest.mark.parametrize("snippet", readme.snippets("python"))
def test_the_source_of_the_readme_lands_and_feeds_silver(snippet: str, lake: Lakehouse, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(snippet)
    (source,) = sources = declared_sources(tmp_path)
    line = {"order": "1", "buyer": {"id": "7"}, "sku": "tea", "units": 2, "paid": "5.00", "at": "2024-06-30T12:00:00Z"}
    landing = Path(lake.settings.landing_dir) / source.folder
    landing.mkdir(parents=True)
    (landing / "12.jsonl").write_text(json.dumps(line) + "\n" + json.dumps({**line, "units": 0}) + "\n")

    ingest(lake, sources)
    check_feeds(sources)
    for table in (ORDER_LINES, PARTIES):
        refresh(lake, table, sources)

    (order_line,), (party,) = lake.read(ORDER_LINES).collect(), lake.read(PARTIES).collect()
    assert (order_line.order_id, order_line.quantity, str(order_line.net_amount)) == ("shop/1", 2, "5.00")
    assert order_line.party_id == party.party_id == "shop/7"
    assert [row.position for row in lake.read(QUARANTINE).collect()] == [2]


def of(small_lake: SmallLake) -> dict[str, str]:
    lake = small_lake.lake
    return {
        "ORRERY_HOME": str(lake.home), "ORRERY_LANDING": str(lake.landing), "ORRERY_SOURCES": str(lake.sources),
    }  # fmt: skip


def run_all(to_run: Sequence[str], small_lake: SmallLake, folder: Path) -> list[list[object]]:
    if not to_run:
        return []
    asked, ended = folder / "asked.json", folder / "ended.json"
    asked.write_text(json.dumps(list(to_run)))
    run([sys.executable, "-m", "tests.in_one_process", str(asked), str(ended)], folder / "commands.log", of(small_lake))
    answer: list[list[object]] = json.loads(ended.read_text())
    return answer
