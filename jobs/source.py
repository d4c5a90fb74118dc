"""Declarations: tried on files, sketched from them, and told as pages."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bronze.check import check, told
from bronze.landing import Found
from bronze.pages import INDEX, pages
from bronze.registry import declared_sources, declared_systems
from bronze.sample import FILES, claimed, given, sampled
from bronze.sketch import FILL_IN, sketch
from bronze.sketch.layout import laid_out
from bronze.sketch.text import module_text
from bronze.source import Source
from jobs.console import say
from lakehouse.session import open_session
from lakehouse.settings import Settings
from lakehouse.tables import ContractError

SHOWN = 3


class DoesNotFitError(Exception):
    """A declaration that does not fit its files."""


def check_source(settings: Settings, source: Source, files: Sequence[Path]) -> None:
    """Try a declaration on the files, or on those that have landed; fails when something does not fit. In a session of
    its own with nothing of the lakehouse, so that it can run beside a job."""
    found = given(files, settings.landing_dir) if files else claimed(settings.landing_dir, source)
    if not found:
        raise DoesNotFitError(
            f"Cannot check {source.name}: no file in {settings.landing_dir} fits {source.path}.\n"
            "Put some there, correct the path, or name sample files on the command line."
        )
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # the JVM may still write there
        alone = settings.model_copy(update={"home": Path(folder), "landing": settings.landing_dir})
        spark = open_session(alone)
        try:
            samples = sampled(found, source.format, dict(source.options), Path(folder))
            result = check(spark, source, samples, of_files=len(found), is_claimed=not files, now=datetime.now(UTC))
        finally:
            if settings.target == "local":
                spark.stop()
    for line in told(result):
        say(line)
    if not result.fits:
        sys.exit(1)


def new_source(settings: Settings, name: str, files: Sequence[Path], folder: Path) -> Path:
    """Write a declaration that fits the files, and say what was guessed."""
    path = folder / f"{name}.py"
    if path.exists():
        raise ContractError(f"Cannot write {path}: it is there already. Choose another name or folder, or remove it.")
    if folder.is_dir() and any(folder.glob("*.py")) and name in {each.name for each in declared_sources(folder)}:
        raise ContractError(f"Cannot sketch {name}: {folder} declares it already. Choose another name.")
    found = given(files, settings.landing_dir)
    with TemporaryDirectory() as copies:
        samples = samples_of(found, Path(copies))
        made = sketch(name, samples)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(module_text(made))
    source = made.source
    options = "".join(f", {option} {value!r}" for option, value in source.options.items())
    files_told = "1 file" if len(samples) == 1 else f"{len(samples)} files"
    of = f" of {len(found)}, the newest" if len(found) > FILES else ""
    say(f"{path}: {source.format}{options}; {made.records:,} records of {files_told}{of}")
    for column, field in source.columns.items():
        how = f" {field.pattern or ''}{' required' if field.required else ''}{' key' if column in source.key else ''}"
        privacy = f" {field.privacy}" if field.privacy != "none" else ""
        say(f"  {column:<24} {f'{field.type}{how}{privacy}':<48} {made.of_columns.get(column, '')}".rstrip())
    for remark in made.of_layout:
        say(f"  {remark}")
    if made.refused:
        say(f"  {len(made.refused):,} records cannot be told apart, and would be refused:")
        for each in made.refused[:SHOWN]:
            say(f"    {each[:200]}")
    say(f"\nGuessed, for you to confirm: the path {source.path}, the key {key_told(source)}, what is required, whom")
    say("each column tells of (privacy), and what comments in the file say.")
    say(f"To fill in, where it says {FILL_IN}: what the source is, what a row is, what each column means; and if it is")
    say("not so: delivery 'append', fresh within 2 days, moments in UTC. Rules and feeds of silver are yours to add.")
    say(f"\nThen: orrery source check {name} {files[0]}{' ...' if len(files) > 1 else ''} --sources {folder}")
    return path


def key_told(source: Source) -> str:
    return " and ".join(source.key) or "(none was found)"


def samples_of(found: Sequence[Found], folder: Path) -> list[Found]:
    laid = laid_out(found[:FILES])
    return sampled(found, laid.format, laid.options, folder)


def write_pages(settings: Settings, folder: Path | None = None) -> None:
    """Write a page about each source, and the one that lists them, by default in the lakehouse's folder."""
    folder = folder or settings.home / "docs" / "sources"
    texts = pages(declared_systems(settings.sources))
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    say(f"{folder / INDEX}: {len(texts) - 1} sources, a page each")
