"""Files with something wrong, of many kinds over all formats, beside a ledger of what was written.

`python -m tests.faults.corrupt` lands all of them at once, and with them a sound file of each format, which must land
whole. Bronze and quarantine must hold the ledger, as a multiset.
"""

import os
from collections import Counter
from pathlib import Path

from bronze.ingest import ingest
from bronze.ledger import FILES, QUARANTINE
from bronze.source import Field, Source
from lakehouse.delta import Lakehouse
from lakehouse.settings import Settings
from tests.faults.campaign import Outcome, finish, small_session, tally_of
from tests.faults.kinds import COLUMNS, KINDS, SOUND, WIDTHS, Corrupt, Row, shown


def source_of(format: str) -> Source:
    types = ("int", "string", "decimal(10,2)", "date")
    widths = WIDTHS if format == "fixed" else (None,) * 4
    return Source(
        name=f"broken_{format}",
        doc="Files with something wrong.",
        path=f"{format}/*",
        format=format,  # type: ignore[arg-type]
        key=("id",),
        columns={name: Field(t, width=w) for name, t, w in zip(COLUMNS, types, widths, strict=True)},
        options={"row": "row"} if format == "xml" else {},
    )


def outcome(corrupt: Corrupt, good: list[Row], refused: list[tuple[str | None, str]]) -> Outcome:
    """The ledger beside what was found: the rows of the file, and its refused records with their reasons."""
    expected, found = Counter(corrupt.good), Counter(good)
    told = Outcome(corrupt.kind, (expected - found).total(), (found - expected).total())
    raw = corrupt.raw
    if raw == Counter({"*": 1}):  # the text is there, from where it was refused on
        raw = Counter(each for each, _ in refused if each and each in shown(corrupt.content))
    if raw != Counter(each for each, _ in refused):
        told.unflagged.append(f"expected {list(raw)}, found {[each for each, _ in refused]}"[:500])
    told.unflagged += [f"expected {corrupt.says!r}, found {why!r}" for _, why in refused if corrupt.says not in why]
    return told


def land_all_kinds(lake: Lakehouse) -> list[Outcome]:
    """Every kind in one landing folder, beside sound files of each format."""
    landing = Path(lake.settings.landing_dir)
    files = (*KINDS, *SOUND)
    for number, corrupt in enumerate(files):
        path = landing / corrupt.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(corrupt.content)
        os.utime(path, (1_719_800_000 + number, 1_719_800_000 + number))
    sources = [source_of(format) for format in dict.fromkeys(corrupt.format for corrupt in files)]
    failed: list[str] = []
    ingest(lake, sources, on_landed=lambda landed: failed.append(landed.error) if landed.error else None)
    assert not failed, failed
    noted = {each.file for each in lake.read(FILES).collect()}
    good: dict[str, list[Row]] = {}
    for source in sources:
        for each in lake.read(source.table).select("_file", *COLUMNS).collect():
            good.setdefault(each._file, []).append(tuple(None if v is None else str(v) for v in each[1:]))
    refused: dict[str, list[tuple[str | None, str]]] = {}
    for each in lake.read(QUARANTINE).collect():
        refused.setdefault(each.file, []).append((each.raw, "; ".join(each.reasons)))
    outcomes = [outcome(each, good.get(each.file, []), refused.get(each.file, [])) for each in files]
    for corrupt, told in zip(files, outcomes, strict=True):
        if corrupt.file not in noted:
            told.unflagged.append("bronze.files does not know it")
    return outcomes


def main() -> None:
    with small_session("corrupt") as (spark, folder):
        outcomes = land_all_kinds(Lakehouse(spark, Settings(home=folder)))
    tally = tally_of(outcomes)
    tally.faults = len(KINDS)  # the others are sound
    finish(kinds_of_corrupt_input=tally)


if __name__ == "__main__":
    main()
