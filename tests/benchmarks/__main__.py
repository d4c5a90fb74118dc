"""`python -m tests.benchmarks`: measure speed, and write it to tests/benchmarks/results.md and results.json."""

import json
import tempfile
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks import demo, gold, ingest, scoring, simulator, small_files, sources
from tests.benchmarks.measure import machine
from tests.benchmarks.report import to_markdown

PARTS = {
    "demo": demo.whole,
    "ingest": ingest.compare,
    "sources": sources.compare,
    "small_files": small_files.compare,
    "gold": gold.seconds,
    "scoring": scoring.rates,
    "simulator": simulator.at_scale,
}
HERE = Path(__file__).parent


def main(arguments: list[str] | None = None) -> None:
    parser = ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="only this part; may be given again")
    parser.add_argument("--runs", type=int, default=3, help="of each contender (3)")
    parser.add_argument("--small", action="store_true", help="a few households, to see that it works")
    parser.add_argument("--folder", type=Path, help="where to work; by default a temporary folder")
    parser.add_argument("--results", type=Path, default=HERE, help="where results.md and results.json go")
    parser.add_argument("--date", default=f"{datetime.now(UTC):%Y-%m-%d}", help="the day of the run (today)")
    given = parser.parse_args(arguments)
    stored = given.results / "results.json"
    results = json.loads(stored.read_bytes()) if stored.exists() else {}
    with tempfile.TemporaryDirectory(prefix="bench") as temporary:
        folder = (given.folder or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        for part in given.only or PARTS:
            about = {"date": given.date, "size": "small" if given.small else "full", "machine": machine()}
            results[part] = {**about, **PARTS[part](folder, runs=given.runs, small=given.small)}
            stored.write_text(json.dumps(results, indent=1) + "\n")
            (given.results / "results.md").write_text(to_markdown(results))
    print(to_markdown(results))


if __name__ == "__main__":
    main()
