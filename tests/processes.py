"""Whole commands in processes of their own: what they take, and how to stop them from outside at any point.

As a program (`python -m tests.processes RESULT COMMAND ...`) it runs a command and writes what it took to RESULT. It
waits for every process that the command leaves behind, so that the time of the JVM and of all workers is counted.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import psutil

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
MARK = "PROCESS_OF_TEST"  # an environment variable by which all processes of a command are known
PR_SET_CHILD_SUBREAPER = 36
LEFT_BEHIND_AFTER = 60.0  # seconds that processes may outlive their command


@dataclass(frozen=True)
class Took:
    """What a command took, with all processes that it started. `left_behind` had to be ended."""

    code: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    left_behind: int


class Running:
    """A command that has been started. Its output goes to the file `log`."""

    def __init__(self, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.command, self.log, self.result = list(command), log, log.with_suffix(".took.json")
        self.mark = uuid4().hex
        self.started = time.monotonic()
        self.result.unlink(missing_ok=True)
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.processes", str(self.result), *self.command],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                env={**environment(), **(env or {}), MARK: self.mark},
                start_new_session=True,
            )

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait(self) -> Took:
        self.process.wait()
        return Took(**json.loads(self.result.read_bytes()))

    def kill_when(self, is_time: Callable[[], bool]) -> bool:
        """False where it had ended by then."""
        while not self.has_ended:
            if is_time():
                self.kill()
                return True
            time.sleep(0.005)
        return False

    def kill(self) -> None:
        """SIGKILL to the whole group, then to whatever left it: the JVM, Spark's workers, Horovod's workers."""
        self.signal(signal.SIGKILL)
        while self.members():
            self.signal(signal.SIGKILL)
            time.sleep(0.01)
        self.process.wait()

    def freeze(self) -> None:
        """Stop all processes where they are: what is on disk now is what a kill would leave."""
        for _ in range(2):  # again, for those that were being started
            self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        for process in self.members():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def members(self) -> list[psutil.Process]:
        """By their environment: Horovod's workers are in sessions of their own, and a dead parent's are nobody's."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found


def environment() -> dict[str, str]:
    """As `make` gives it to the commands."""
    others = {"SPARK_HOME", "PYTHONPATH", "VIRTUAL_ENV"}
    own = {
        "SPARK_CONF_DIR": str(ROOT / ".cache" / "spark-conf"),
        "PYSPARK_PYTHON": sys.executable,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    inherited = {name: value for name, value in os.environ.items() if name not in others and name[:8] != "ORRERY_"}
    return {**inherited, **own}


def orrery(*arguments: object) -> list[str]:
    return [str(BIN / "orrery"), *(str(argument) for argument in arguments)]


def run(command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Took:
    """Run a command to its end. One that fails is an error, with the end of its output."""
    running = Running(command, log, env)
    took = running.wait()
    if took.code:
        raise AssertionError(f"{' '.join(command)} ended with {took.code}:\n{running.output[-4000:]}")
    return took


# As a program


def measure(command: Sequence[str]) -> Took:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER) failed")
    watch = Watch()
    watch.start()
    started = time.monotonic()
    main = os.posix_spawnp(command[0], list(command), os.environ)
    code, seconds, cpu, left_behind = 0, 0.0, 0.0, 0
    ended_at: float | None = None
    while True:
        try:
            pid, status, used = os.wait4(-1, os.WNOHANG if ended_at else 0)
        except ChildProcessError:
            break
        if pid == 0:
            if time.monotonic() > (ended_at or 0.0) + LEFT_BEHIND_AFTER:
                for process in psutil.Process().children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
                        left_behind += 1
            time.sleep(0.01)
            continue
        cpu += used.ru_utime + used.ru_stime
        watch.unwaited.pop(pid, None)  # its parent ended before it did
        if pid == main:
            ended_at = time.monotonic()
            code, seconds = os.waitstatus_to_exitcode(status), ended_at - started
    return Took(code, seconds, cpu + sum(watch.unwaited.values()), watch.peak, left_behind)


class Watch(threading.Thread):
    """What all descendants had in memory together at most (what they share is counted once); and the CPU time of those
    that nobody waits for, such as Spark's Python workers, whose parent ignores that they end."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.unwaited: dict[int, float] = {}  # by process, as last seen

    def run(self) -> None:
        while True:
            family = psutil.Process().children(recursive=True)
            self.peak = max(self.peak, sum(proportional(each) for each in family))
            for each in family:
                with suppress(psutil.Error, OSError):
                    if ignores_children(each.ppid()):
                        times = each.cpu_times()
                        self.unwaited[each.pid] = times.user + times.system
            time.sleep(0.5)


def ignores_children(pid: int) -> bool:
    ignored = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigIgn"))
    return bool(int(ignored.split()[1], 16) >> (signal.SIGCHLD - 1) & 1)


def proportional(process: psutil.Process) -> int:
    with suppress(psutil.Error, OSError):
        return int(process.memory_full_info().pss)
    return 0


def main() -> None:
    result, *command = sys.argv[1:]
    took = measure(command)
    Path(result).write_text(json.dumps(asdict(took)))
    sys.exit(0)


if __name__ == "__main__":
    main()
