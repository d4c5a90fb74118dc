"""Kill a step of the job wherever it is, run it again to its end, and compare with a job that nobody disturbed."""

import random
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes import Running, orrery, run

# What appears on disk while a step runs: each is a moment worth dying at.
MARKS = (
    "warehouse/*.db/*/_delta_log/*.json",
    "state/**/epoch-*.npz",
    "state/**/model.keras",
    "state/**/outcome.json",
    "state/**/_SUCCESS",
)


@dataclass(frozen=True)
class Step:
    """A command of the job, and the layers whose tables it may have changed."""

    name: str
    arguments: tuple[str, ...]
    layers: tuple[str, ...]


def steps(as_of: str, workers: Sequence[int] = (1, 2)) -> tuple[Step, ...]:
    return (
        Step("ingest", ("ingest",), ("bronze",)),
        Step("silver", ("silver",), ("bronze", "silver")),
        Step("gold", ("gold", "--as-of", as_of), ("silver", "gold")),
        *(
            Step(f"train --workers {number}", ("train", "--as-of", as_of, "--workers", str(number)), ("gold", "ml"))
            for number in workers
        ),
        Step("score", ("score", "--as-of", as_of), ("ml",)),
    )


@dataclass(frozen=True)
class Moment:
    """When to kill: some seconds after the start, or after it has said `said`; or right after something new has been
    written `marks` times."""

    seconds: float = 0.0
    marks: int = 0
    said: str = ""

    def __str__(self) -> str:
        return f"after write {self.marks}" if self.marks else f"at {self.seconds:.2f} s"


@dataclass(frozen=True)
class Course:
    """How a step went when nobody disturbed it: its seconds, and how often something new was written."""

    seconds: float
    marks: int

    def moment(self, chance: random.Random) -> Moment:
        """Half of the kills by the clock, half by what has just been written."""
        if self.marks and chance.random() < 0.5:
            return Moment(marks=chance.randint(1, self.marks))
        return Moment(seconds=chance.uniform(0.0, self.seconds))


@dataclass
class Lake:
    """A lakehouse in a folder, with its raw files elsewhere. Copies of it work only at the same path."""

    home: Path
    landing: Path
    sources: Path | None = None  # in place of the built-in ones
    copies: dict[str, Path] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.home.with_suffix(".log")

    def command(self, *arguments: str) -> list[str]:
        declared = ("--sources", self.sources) if self.sources else ()
        return orrery("--home", self.home, "--landing", self.landing, *declared, *arguments)

    def run(self, step: Step) -> Course:
        before = self.marks()
        took = run(self.command(*step.arguments), self.log)
        return Course(took.seconds, len(self.marks() - before))

    def kill(self, step: Step, moment: Moment) -> bool:
        """Start the step and kill it at the moment. False where it had ended by then."""
        before = self.marks()
        running = Running(self.command(*step.arguments), self.log)
        begun = None

        def is_time() -> bool:
            nonlocal begun
            if begun is None and moment.said in running.output:
                begun = time.monotonic() if moment.said else running.started
            if moment.marks:
                return len(self.marks() - before) >= moment.marks
            return begun is not None and time.monotonic() - begun >= moment.seconds

        return running.kill_when(is_time)

    def marks(self) -> set[Path]:
        return set(self.found())

    def found(self) -> Iterator[Path]:
        for pattern in MARKS:
            yield from self.home.glob(pattern)

    def keep(self, name: str) -> Path:
        """Keep a copy beside it."""
        self.copies[name] = copied(self.home, self.home.with_name(f"{self.home.name}.{name}"))
        return self.copies[name]

    def put_back(self, name: str) -> None:
        copied(self.copies[name], self.home)


def copied(here: Path, there: Path) -> Path:
    shutil.rmtree(there, ignore_errors=True)
    shutil.copytree(here, there, symlinks=True)
    return there
