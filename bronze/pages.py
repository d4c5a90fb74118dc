"""Pages about the declared sources, in Markdown: one for each, and one that lists them by system."""

from collections.abc import Iterable, Mapping, Sequence

from bronze.check import spoken
from bronze.source import Feed, Source
from bronze.values import spelling
from lakehouse.rules import Required

DELIVERIES = {
    "append": "Each file adds rows, and newer versions of rows.",
    "snapshot": "The files of one day are all that there is: what the newest lacks is gone.",
    "changes": "Each row tells a change: the one with the highest number holds.",
}
NEW_COLUMNS = {
    "rescue": "They are kept in `_rescued`.",
    "quarantine": "A record that has one is refused.",
    "evolve": "They become columns of the table, as text, and are personal until they are declared.",
}
INDEX = "README.md"


def pages(systems: Mapping[str, tuple[str, Sequence[Source]]]) -> dict[str, str]:
    """The text of each page by its file's name. `systems` has each system's runbook and sources."""
    found = {INDEX: index(systems)}
    for system, (runbook, sources) in systems.items():
        for source in sources:
            found[f"{source.name}.md"] = page(source, system, runbook)
    return found


def index(systems: Mapping[str, tuple[str, Sequence[Source]]]) -> str:
    count = sum(len(sources) for _, sources in systems.values())
    lines = ["# Sources", "", f"By system, as they are declared: {count} in all.", ""]
    for system, (runbook, sources) in sorted(systems.items()):
        lines += [f"## {system}", "", runbook, ""] if runbook else [f"## {system}", ""]
        rows = [
            (
                f"[{each.name}]({each.name}.md)",
                each.format,
                each.delivery,
                ", ".join(fed(each)) or "bronze only",
                each.doc,
            )
            for each in sources
        ]
        lines += [*table(("Source", "Format", "Delivery", "Feeds", "What it is"), rows), ""]
    return "\n".join(lines)


def page(source: Source, system: str, runbook: str) -> str:
    lines = [f"# {source.name}", "", source.doc, "", *table(("About", ""), facts(source, system)), "", "## Columns", ""]
    required = {rule.column for rule in source.all_rules if isinstance(rule, Required)}
    columns = [
        (
            f"`{name}`",
            f"{f.type}{spelling(f)}",
            "yes" if name in required else "",
            f.privacy if f.privacy != "none" else "",
            *((f"`{f.path or name}`",) if has_paths(source) else ()),
            *((str(f.width),) if source.format == "fixed" else ()),
            f.doc,
        )
        for name, f in source.columns.items()
    ]
    where = (*(("Path",) if has_paths(source) else ()), *(("Width",) if source.format == "fixed" else ()))
    lines += [*table(("Column", "Type", "Required", "Privacy", *where, "Meaning"), columns), ""]
    rules = [rule for rule in source.all_rules if not isinstance(rule, Required)]
    if rules:
        lines += [
            "## Rules",
            "",
            "A row that breaks a rule of severity error goes to `bronze.quarantine`; a warning is counted.",
            "",
        ]
        lines += [*table(("A row breaks it when", "Severity"), [(rule.name, rule.severity) for rule in rules]), ""]
    if source.feeds:
        lines += ["## What it feeds", ""]
    for feed in source.feeds:
        lines += [
            feed_title(feed),
            "",
            *table(("Column", "From"), [(f"`{n}`", f"`{e}`") for n, e in feed.columns.items()]),
            "",
        ]
    if runbook:
        lines += ["## Runbook", "", runbook, ""]
    return "\n".join(lines)


def facts(source: Source, system: str) -> list[tuple[str, str]]:
    options = ", ".join(f"{name} {value!r}" for name, value in source.options.items())
    found = [
        ("System", f"[{system}]({INDEX}#{system})"),
        ("Files", f"`{source.path}`"),
        ("Format", f"{source.format}{f': {options}' if options else ''}"),
        ("Delivery", f"{source.delivery}. {DELIVERIES[source.delivery]}"),
        ("Key", ", ".join(f"`{name}`" for name in source.key) or "none"),
        ("Fresh within", spoken(source.fresh_within)),
        ("Time zone", f"{source.timezone}, of moments that do not say their own"),
        ("Table", f"`bronze.{source.name}`"),
    ]
    if source.names_columns:
        found.append(("Columns that no one declared", f"{source.new_columns}. {NEW_COLUMNS[source.new_columns]}"))
    if source.newest_by:
        found.append(("Newest by", f"`{source.newest_by}`"))
    if source.changes:
        gone = ", ".join(source.changes.deletes)
        found.append(
            ("Changes", f"`{source.changes.operation}` says what, `{source.changes.sequence}` counts; {gone}: gone")
        )
    if source.delivery == "snapshot":
        found.append(("A snapshot is of", f"`{source.snapshot_of}`"))
    return found


def has_paths(source: Source) -> bool:
    return any(f.path for f in source.columns.values())


def fed(source: Source) -> list[str]:
    return sorted({feed.to for feed in source.feeds})


def feed_title(feed: Feed) -> str:
    return f"### {feed.to}" + (f", where `{feed.where}`" if feed.where else "")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"

    return [line(header), "|" + "---|" * len(header), *map(line, rows)]
