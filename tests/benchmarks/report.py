"""The results as a page."""

from collections.abc import Mapping, Sequence
from typing import Any

MEASURES = {
    "seconds": "wall, s",
    "cpu_seconds": "CPU of all processes, s",
    "process_seconds": "wall with the session's start, s",
    "process_cpu_seconds": "CPU with the session's start, s",
    "peak_gib": "peak memory of all processes, GiB",
}


def to_markdown(results: Mapping[str, Any]) -> str:
    parts = {
        "demo": of_demo,
        "ingest": of_ingest,
        "sources": of_sources,
        "small_files": of_small_files,
        "gold": of_gold,
        "scoring": of_scoring,
        "simulator": of_simulator,
    }
    sections = [[*write(results[name]), "", *about(results[name])] for name, write in parts.items() if name in results]
    head = ["# What was measured", "", "By `make bench`; medians. Each part says on which machine, and when."]
    return "\n\n".join("\n".join(section) for section in [head, *sections]) + "\n"


def of_demo(found: Mapping[str, Any]) -> list[str]:
    return [
        "## The demo",
        "",
        f"`make demo` after set-up: two years of a retailer, {found['rows']:,} records of {found['feeds']} feeds in",
        f"{found['files']:,} files, and the whole job on them; once, and again when nothing has changed. The aim is",
        "480 s at most.",
        "",
        *table(
            ("", "wall, s", "CPU of all processes, s", "peak memory of all processes, GiB"),
            [
                (name, f"{each['seconds']:.0f}", f"{each['cpu_seconds']:.0f}", f"{each['peak_gib']:.2f}")
                for name, each in (("the demo", found["first"]), ("once more", found["again"]))
            ],
        ),
        "",
        "Of the first, in s: "
        + ", ".join(f"{stage} {seconds:.0f}" for stage, seconds in found["stages"].items())
        + ".",
    ]


def of_ingest(found: Mapping[str, Any]) -> list[str]:
    rows = ", ".join(f"{count:,} rows of {name}" for name, count in found["rows"].items())
    columns = ("peer", "ours", "ours / peer")
    return [
        "## Ingest, beside a plain Structured Streaming job",
        "",
        f"{rows}, in {found['files']} files. The peer reads with a schema and appends to Delta tables of the catalog",
        "(`availableNow`): no lineage, nothing rescued, nothing refused. The files are without the simulator's broken",
        "lines, which the peer would land as rows of nulls. Same session settings; the declared columns hold the same",
        f"rows, as a multiset. Each run in a fresh process and folder, in turn, {found['runs']} of each. The aim is",
        f"{found['aim']} at most.",
        "",
        *table(
            ("", *columns),
            [(says, *(f"{found[column][name]:.2f}" for column in columns)) for name, says in MEASURES.items()],
        ),
    ]


def of_sources(found: Mapping[str, Any]) -> list[str]:
    faster, columns = found["ours is so many times faster"], ("peer", "tuned", "ours")
    rows = [
        row
        for job in ("first", "day")
        for row in (
            (f"{job}: ours is so many times faster", *(f"{faster[who][job]:.2f}" for who in columns)),
            *(
                (f"{job}: {says}", *(f"{found[who][job][name]:.2f}" for who in columns))
                for name, says in MEASURES.items()
            ),
        )
    ]
    return [
        "## All sources, beside as many plain Structured Streaming queries",
        "",
        f"Those {found['sources']} of a retailer's {found['declared']} sources that deliver something in 13 weeks of",
        f"{found['people']:,} people: {found['rows']:,} rows in {found['files']['first']:,} files of a first load and",
        f"{found['files']['day']} of one more day: two jobs,",
        "in processes of their own. The peer is a query for each source, one after the other in one session, each with",
        "Spark's own reader of its format, a schema, and a Delta table of the catalog (`availableNow`): no lineage,",
        "nothing rescued, nothing refused. The files are without the simulator's broken lines and re-deliveries, which",
        "the peer would land. The peer has a session as the quick start of Delta Lake has it, and is measured in ours,",
        "too; memory and cores are the same. The declared columns hold the same rows, as a multiset. In turn,",
        f"{found['runs']} of each. The aim is {found['aim']} times less wall time than the peer, and 3 at least.",
        "",
        *table(("", "peer", "peer in our session", "ours"), rows),
    ]


def of_small_files(found: Mapping[str, Any]) -> list[str]:
    faster = found["ours is so many times faster"]
    columns = ("peer", "batches", "tuned", "ours")
    return [
        "## Small files of one source, beside a plain Structured Streaming query",
        "",
        f"{found['rows']:,} rows in {found['files']:,} CSV files. The peer takes all files in one batch, as Spark does",
        f"by itself, or {found['files_in_a_batch']:,} in a batch; in a session as the quick start of Delta Lake has,",
        f"or in ours. Each run in a fresh process and folder, in turn, {found['runs']} of each; the same rows, as a",
        f"multiset. The aim is {found['aim']} times the files/s of the peer.",
        "",
        *table(
            ("", "peer", "peer, in batches", "peer in our session", "ours"),
            [
                ("files/s", *(f"{found[who]['files_per_second']:,.0f}" for who in columns)),
                ("ours / it", *(f"{faster[who]:.2f}" for who in columns)),
                *((says, *(f"{found[who][name]:.2f}" for who in columns)) for name, says in MEASURES.items()),
            ],
        ),
    ]


def of_gold(found: Mapping[str, Any]) -> list[str]:
    lines = found["order_lines"]
    rows = [
        (name, f"{found['first'][name]:.1f}", f"{seconds:.1f}", f"{lines / seconds:,.0f}")
        for name, seconds in found["tables"].items()
    ]
    return [
        "## Gold",
        "",
        f"{lines:,} order lines of {found['customers']:,} customers, {found['days']} days at once, built and written.",
        "",
        *table(("table", "first, s", "warm, s", "order lines/s"), rows),
    ]


def of_scoring(found: Mapping[str, Any]) -> list[str]:
    return [
        "## Scoring",
        "",
        f"{found['customers']:,} made-up customers, an LSTM of {found['units']} units over {found['weeks']} weeks;",
        f"{found['at_risk']:.0%} are at risk, and get their reasons. Through Spark: from gold to ml.churn_scores.",
        "Bare TensorFlow: inputs in memory, no reasons, nothing written, all cores in one process.",
        "",
        *table(
            ("", "customers/s"),
            [
                ("bare TensorFlow", f"{found['bare_per_second']:,.0f}"),
                ("through Spark", f"{found['spark_per_second']:,.0f}"),
                ("Spark / bare", f"{found['spark / bare']:.2f}"),
            ],
        ),
        "",
        f"Peak memory {found['spark_peak_gib']:.1f} GiB; the first time {found['spark_first_seconds']:.0f} s.",
    ]


def of_simulator(found: Mapping[str, Any]) -> list[str]:
    world, rows = found["world"], found["rows"]
    return [
        "## The simulated retailer",
        "",
        f"`simulate world` of {world['people']:,} people over two years: {world['order_lines']:,} order lines, "
        f"{world['rows']:,} records of {world['feeds']}",
        f"feeds in {world['files']:,} files, {world['gib']:.1f} GiB, and the truth of all. `simulate rows` of "
        f"{rows['people']:,} people: {rows['rows']:,} rows of",
        "orders and identities. Each once, on two processes. The aims are 900 s and 6 GiB at most for 100,000 people,",
        "and 500,000 rows/s.",
        "",
        *table(
            ("", "wall, s", "CPU of all processes, s", "peak memory of all processes, GiB", "rows/s"),
            [
                (
                    name,
                    f"{each['seconds']:.0f}",
                    f"{each['cpu_seconds']:.0f}",
                    f"{each['peak_gib']:.2f}",
                    f"{each['rows'] / each['seconds']:,.0f}",
                )
                for name, each in (("world", world), ("rows", rows))
            ],
        ),
    ]


def about(found: Mapping[str, Any]) -> list[str]:
    told = ", ".join(f"{name} {value}" for name, value in found["machine"].items())
    return [f"{found['date']}, {found['size']} size. {told}."]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
