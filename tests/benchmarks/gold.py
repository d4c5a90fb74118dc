"""How long gold takes on the real grocer's year: each table built and written anew, in one warm session, for ten days
at once, as training asks for.

As a program: `python -m tests.benchmarks.gold RESULT HOME AS_OF RUNS`.
"""

import json
import shutil
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from gold import customer_features, customer_sequences, customer_weeks
from jobs.build_gold import KNOWN
from lakehouse.delta import Lakehouse
from lakehouse.session import open_session
from lakehouse.settings import Settings
from silver.tables import ORDER_LINES
from simulator import complete_journey
from tests.benchmarks.measure import in_fresh_process, medians, timed
from tests.faults.compare import GROCER
from tests.processes import orrery, run

AS_OF = "2017-12-31"
DAYS = 10


def seconds(folder: Path, *, runs: int, small: bool) -> dict[str, Any]:
    """Each step up to silver as its command takes it; then each gold table."""
    home, landing = folder / "gold", folder / "gold_landing"
    shutil.rmtree(home, ignore_errors=True)
    # Gold does not read the promotions.
    complete_journey.write(landing, households=60 if small else None, promotion_weeks=0)
    for command in ("ingest", "silver"):
        run(orrery("--home", home, "--landing", landing, "--sources", GROCER, command), folder / f"{command}.log")
    told = in_fresh_process("tests.benchmarks.gold", [home, AS_OF, runs], folder / "gold.log").told
    print(f"  gold: {told['tables']}", flush=True)
    return told


# As a program


def build_all(lake: Lakehouse, days: Sequence[date]) -> dict[str, float]:
    shards, weeks = lake.settings.shards, 104
    known = {name: lake.read(table) for name, table in KNOWN.items()}
    builds = {
        customer_features.CUSTOMER_FEATURES: lambda: customer_features.build(**known, days=days, shards=shards),
        customer_weeks.CUSTOMER_WEEKS: lambda: customer_weeks.build(**known, days=days, shards=shards, weeks=weeks),
        customer_sequences.CUSTOMER_SEQUENCES: lambda: customer_sequences.build(
            lake.read(customer_weeks.CUSTOMER_WEEKS), days=days, weeks=weeks
        ),
    }
    took = {}
    for table, build in builds.items():
        with timed() as told:
            lake.replace(build(), table, where=" OR ".join(f"as_of = DATE'{day}'" for day in days))
        took[table.name] = told["seconds"]
    return took


def main() -> None:
    result, home, as_of, runs = sys.argv[1:]
    settings = Settings(home=Path(home))
    spark = open_session(settings)
    lake = Lakehouse(spark, settings)
    days = [date.fromisoformat(as_of) - timedelta(weeks=4 * number) for number in range(DAYS)]
    cold, *warm = [build_all(lake, days) for _ in range(1 + int(runs))]
    told = {
        "days": DAYS,
        "order_lines": lake.read(ORDER_LINES).count(),
        "customers": lake.read(customer_features.CUSTOMER_FEATURES).count(),
        "first": cold,
        "tables": medians(warm),
    }
    Path(result).write_text(json.dumps(told))
    spark.stop()


if __name__ == "__main__":
    main()
