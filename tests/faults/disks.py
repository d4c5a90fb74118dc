"""Disks that are full and folders that cannot be read or written, beside a ledger of all that was delivered.

`python -m tests.faults.disks` gives ingest each of them in turn. It must say what is wrong and with which folder within
30 seconds of when it can first meet it, leave no content there in part, and take all in once it can. What stands there
from the start is met with the start of the command; a disk that fills up, once it is full. A full disk is a small one
in memory, filled up but for a little room; where none may be mounted, a library under the command says that it is full,
and the time counts from the start. Where root runs this, folders without permission are met without root's leave to
pass by it.
"""

import os
import random
import re
import shutil
import subprocess
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import SparkSession

from tests.faults.campaign import Tally, finish, small_session
from tests.faults.deliveries import FORMATS, Deliveries, compare, parts, reader
from tests.faults.killed import INGEST
from tests.faults.kills import Lake
from tests.processes import Running

IN_TIME = 30.0  # seconds
HANGS = 300.0
MEGABYTES = 192  # of a small disk
PAGE = 4096
FULL = "No space left on device|No room is left in"
READ_ONLY = "Read-only file system"
LOOPS = "Too many levels of symbolic links"
NO_FOLDER = "Not a directory"
NO_PERMISSION = "Permission denied"
DISKS = ("home", "warehouse", "state", "landing")
FOLDERS = "folders"
LEAVE = "-dac_override,-dac_read_search"  # of root's, to read and write whatever permissions say
HEEDING = ("setpriv", "--inh-caps", LEAVE, "--bounding-set", LEAVE) if os.geteuid() == 0 else ()


@dataclass(frozen=True)
class Fault:
    """What is wrong with a folder, as long as it lasts, and how the command must name it.

    says: a part of the line that names it, beside the folder. Of none, it has to do without.
    by: what runs the command. fills_up: it is not there before the room is taken, and that can be seen.
    """

    folder: Path
    lasting: Callable[[Path], AbstractContextManager[Mapping[str, str] | None]]  # may give the command variables
    says: str | None
    by: tuple[str, ...] = ()
    fills_up: bool = False

    def __str__(self) -> str:
        return f"{self.folder.name}: {self.says}"

    def is_named_in(self, output: str) -> bool:
        """Whether a line says what is wrong, and with which folder."""
        says, folder = self.says, str(self.folder)
        return says is not None and any(re.search(says, line) and folder in line for line in output.splitlines())

    def has_come(self) -> bool:
        return not self.fills_up or shutil.disk_usage(self.folder).free == 0


@dataclass(frozen=True)
class End:
    """How a run ended, and after how many seconds from when the fault could be met it was named. One without a code
    hung and was killed."""

    code: int | None
    named: float | None
    output: str


@dataclass
class Victim:
    """A lake and what is delivered to it; and how many bytes of its disk a run takes, as the last did."""

    lake: Lake
    deliveries: Deliveries
    can_mount: bool
    takes: int = 100_000

    def folder(self, name: str) -> Path:
        return {"home": self.lake.home, "landing": self.lake.landing}.get(name, self.lake.home / name)

    def faults_of_disk(self, name: str) -> Iterator[Fault]:
        """With one of the folders on a disk of its own: full sooner or later, then not to be written. A landing folder
        is only read."""
        folder, fills = self.folder(name), full if self.can_mount else said_to_be_full
        says, rooms = (None, [0]) if name == "landing" else (FULL, [self.room(), self.room()])
        for room in rooms:
            yield Fault(folder, partial(fills, room=room), says, fills_up=self.can_mount)
        if self.can_mount:
            yield Fault(folder, read_only, says and READ_ONLY)

    def room(self) -> int:
        return self.deliveries.chance.randrange(self.takes)

    def faults_of_folders(self) -> Iterator[Fault]:
        """With something else in the place of one that was there, where not even root can go in; then without leave to
        read, and to write."""
        source = self.deliveries.chance.choice(sorted(FORMATS))
        landing, state, database = self.lake.landing, self.lake.home / "state", self.lake.home / "warehouse/bronze.db"
        for folder in (landing, landing / source, state, database.parent, database, database / source):
            yield Fault(folder, partial(in_place_of, put=link_to_itself), LOOPS)
        for folder in (landing, state, database.parent, database, database / source):
            yield Fault(folder, partial(in_place_of, put=Path.touch), NO_FOLDER)
        for folder in (landing, landing / source, state, database.parent, database, database / source):
            yield Fault(folder, partial(shut, mode=0o000), NO_PERMISSION, HEEDING)
        yield Fault(database / source, partial(shut, mode=0o500), NO_PERMISSION, HEEDING)


def campaign(
    spark: SparkSession, folder: Path, *, places: Sequence[str], rounds: int, seed: int, most: int | None = None
) -> Tally:
    """`places` are the folders that get a disk of their own in turn, and `folders`: those of a lake without. Of each
    place `most` faults a round, or all."""
    chance = random.Random(seed)
    can_mount = may_mount(folder / "mount")
    tally = Tally()
    for place in places:
        lake = Lake(folder / f"in {place}" / "lake", folder / f"in {place}" / "landing")
        lake.home.mkdir(parents=True)
        lake.landing.mkdir(exist_ok=True)
        victim = Victim(lake, Deliveries(lake.landing, chance), can_mount)
        with disk_of_its_own(victim.folder(place)) if can_mount and place != FOLDERS else nullcontext():
            if place == FOLDERS:
                go_on(spark, victim, tally)  # so that they are there
            for _ in range(rounds):
                faults = victim.faults_of_folders() if place == FOLDERS else victim.faults_of_disk(place)
                for fault in islice(faults, most):
                    one_fault(spark, victim, fault, tally)
    return tally


def one_fault(spark: SparkSession, victim: Victim, fault: Fault, tally: Tally) -> None:
    victim.deliveries.round()
    before = taken(fault.folder)
    with fault.lasting(fault.folder) as env:
        end = end_of_run([*fault.by, *victim.lake.command(*INGEST.arguments)], victim.lake.log, fault, env)
    wrong = parts(reader(spark, victim.lake.home), victim.deliveries)
    found = go_on(spark, victim, tally)
    victim.takes = max(taken(fault.folder) - before, PAGE)
    has_met = end.code != 0 or fault.says != FULL  # else the room was enough
    if has_met:
        wrong += wrong_with(end, fault)
        tally.named_after = max(tally.named_after, end.named or 0.0)
    tally.faults += has_met
    tally.unflagged += len(wrong)
    named = f"named after {end.named:.1f} s" if end.named is not None else "not named"
    as_told = "; ".join(wrong) or ("as it should be" if has_met else "the room was enough")
    print(f"{fault}: {named}, {as_told}; then {found}", flush=True)


def go_on(spark: SparkSession, victim: Victim, tally: Tally) -> Tally:
    """Once nothing is wrong any more: all of it lands."""
    try:
        victim.lake.run(INGEST)
        found = compare(reader(spark, victim.lake.home), victim.deliveries)
    except AssertionError as error:
        found = Tally(failed=[str(error)])
    tally.add(found)
    return found


def end_of_run(command: Sequence[str], log: Path, fault: Fault, env: Mapping[str, str] | None = None) -> End:
    running = Running(command, log, env)
    come = named = None
    has_ended = False
    while not has_ended and time.monotonic() - running.started < HANGS:
        time.sleep(0.01)  # a full disk soon has room again, when what could not be written is removed
        has_ended, now, is_named = running.has_ended, time.monotonic(), fault.is_named_in(running.output)
        if come is None and named is None and fault.has_come():
            come = now
        if named is None and is_named:
            named = now
    if not has_ended:
        running.kill()
    code = running.wait().code if has_ended else None
    return End(code, named and named - (come or running.started), running.output)


def wrong_with(end: End, fault: Fault) -> list[str]:
    ended = f"it ended with {end.code}" if end.code is not None else f"it hung for more than {HANGS:.0f} s"
    said = f"{ended} and said:\n{end.output[-4000:]}"
    if fault.says is None:
        return [f"it cannot do without: {said}"] if end.code != 0 else []
    wrong = [said] if end.code != 1 or end.named is None else []
    if end.named is not None and end.named > IN_TIME:
        wrong.append(f"too late: expected within {IN_TIME:.0f} s of when it could be met")
    return wrong


def taken(folder: Path) -> int:
    """Bytes that its files take of the disk."""
    return sum(each.stat().st_blocks * 512 for each in folder.rglob("*") if each.is_file())


def may_mount(folder: Path) -> bool:
    try:
        with disk_of_its_own(folder):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


# What is wrong, as long as it lasts


@contextmanager
def disk_of_its_own(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def full(folder: Path, room: int) -> Iterator[None]:
    """All but so many bytes of its disk are taken."""
    ballast = folder / ".ballast"
    with ballast.open("wb") as file:
        for _ in range(max(shutil.disk_usage(folder).free - room, 0) // PAGE):
            file.write(bytes(PAGE))
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def said_to_be_full(folder: Path, room: int) -> Iterator[Mapping[str, str]]:
    with TemporaryDirectory() as made:
        library = Path(made, "full_disk.so")
        source = Path(__file__).with_name("full_disk.c")
        subprocess.run(["g++", "-x", "c", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        yield {"LD_PRELOAD": str(library), "FULL_FOLDER": str(folder), "FULL_ROOM": str(room)}


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)


@contextmanager
def in_place_of(folder: Path, put: Callable[[Path], object]) -> Iterator[None]:
    aside = folder.with_name(f".{folder.name}.aside")
    folder.rename(aside)
    put(folder)
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


@contextmanager
def shut(folder: Path, mode: int) -> Iterator[None]:
    before = folder.stat().st_mode
    folder.chmod(mode)
    try:
        yield
    finally:
        folder.chmod(before)


def link_to_itself(folder: Path) -> None:
    folder.symlink_to(folder)


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.faults.disks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of all faults (3)")
    parser.add_argument("--places", default=",".join((*DISKS, FOLDERS)), help="only these of (%(default)s)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="by default another each time")
    parser.add_argument("--folder", type=Path, help="where to work; kept afterwards. By default a temporary one")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with small_session("disks", given.folder) as (spark, folder):
        tally = campaign(spark, folder, places=given.places.split(","), rounds=given.rounds, seed=given.seed)
    finish(full_disks_and_unreadable_folders=tally)


if __name__ == "__main__":
    main()
