"""The set-up's rules, tried on a made-up machine: nothing is installed."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CLONE = Path(__file__).parent.parent
COREUTILS = ("cat", "cut", "dirname", "env", "mkdir", "mv", "nproc", "readlink", "rm", "sha256sum", "sort", "touch")
TOOLS = ("bash", "grep", "sed", *COREUTILS)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with its own setup.sh, and nothing set up."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("setup.sh", "pyproject.toml", "uv.lock"):
        shutil.copy(CLONE / name, folder / name)
    return folder


class Machine:
    """What is in PATH: the tools of any Linux, and what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.log = folder / "calls.log"
        self.log.touch()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)
        self.has(id="echo 1000", uname="echo Linux x86_64")

    def has(self, **programs: str) -> None:
        for name, body in programs.items():
            file = self.bin / name.replace("_", "-").replace("gxx", "g++")
            file.unlink(missing_ok=True)
            file.write_text(f'#!/bin/bash\necho "{file.name} $*" >>{self.log}\n{body}\n')
            file.chmod(0o755)

    def calls(self, program: str) -> list[str]:
        return [line for line in self.log.read_text().splitlines() if line.startswith(program)]

    def bash(self, clone: Path, script: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a script that has setup.sh's functions, on this machine and no other."""
        return subprocess.run(
            ["bash", "-c", f"source {clone}/setup.sh; JVMS={self.bin.parent}/jvm; {script}"],
            env={"PATH": str(self.bin), **env},
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A user's machine: all there but Java, and no way to become root."""
    machine = Machine(tmp_path)
    machine.has(
        gxx="", make="", apt_get="", uv="echo uv 99.0", apt_cache='[[ $2 != openjdk-17* ]] || echo "Package: $2"'
    )
    return machine


def java(version: str, home: str = "/opt/java") -> str:
    """A java that says its version the way that a real one does."""
    return f'printf "%s\\n" "    java.home = {home}" "    java.specification.version = {version}" >&2'


# --- System packages ---------------------------------------------------------------------------------------------


def test_without_root_what_is_missing_is_one_command_to_type(machine: Machine, clone: Path):
    (machine.bin / "g++").unlink()

    run = machine.bash(clone, "install_system_packages")

    assert run.returncode == 1
    assert run.stderr.splitlines() == [
        "System packages are missing. Type this, and run it again:",
        "  sudo apt-get update && sudo apt-get install -y openjdk-17-jre-headless g++",
    ]
    assert machine.calls("apt-get") == []


def test_root_installs_what_is_missing_in_one_call(machine: Machine, clone: Path):
    machine.has(id="echo 0")
    (machine.bin / "make").unlink()

    run = machine.bash(clone, "install_system_packages")

    assert (run.returncode, run.stderr) == (0, "")
    assert machine.calls("apt-get") == [
        "apt-get update",
        "apt-get install -y --no-install-recommends openjdk-17-jre-headless make",
    ]


def test_sudo_is_used_when_it_asks_no_password(machine: Machine, clone: Path):
    machine.has(sudo='shift; exec "$@"')
    (machine.bin / "true").symlink_to(shutil.which("true") or "true")

    run = machine.bash(clone, "install_system_packages")

    assert (run.returncode, run.stderr) == (0, "")
    assert len(machine.calls("sudo -n")) == 3  # is it allowed, update, install


def test_nothing_is_installed_when_nothing_is_missing(machine: Machine, clone: Path):
    machine.has(id="echo 0", java=java("17"))

    assert machine.bash(clone, "install_system_packages").returncode == 0
    assert machine.calls("apt-get") == []


def test_a_failed_install_shows_why(machine: Machine, clone: Path):
    machine.has(id="echo 0", apt_get="echo No space left on device; exit 100")

    run = machine.bash(clone, "install_system_packages")

    assert run.returncode == 1
    assert run.stderr.splitlines() == ["No space left on device", "Failed: apt-get update"]


@pytest.mark.parametrize(
    ("known", "package"),
    [
        ("openjdk-17-jre-headless openjdk-21-jre-headless", "openjdk-17-jre-headless"),
        ("openjdk-21-jre-headless", "openjdk-21-jre-headless"),
        ("", "default-jre-headless"),
    ],
)
def test_the_java_to_install_is_the_first_suitable_that_apt_knows(
    machine: Machine, clone: Path, known: str, package: str
):
    machine.has(apt_cache=f'[[ " {known} " != *" $2 "* ]] || echo "Package: $2"')

    assert machine.bash(clone, "java_package").stdout == f"{package}\n"


def test_a_machine_without_python_or_uv_needs_python(machine: Machine, clone: Path):
    (machine.bin / "uv").unlink()
    machine.has(java=java("21"))

    assert machine.bash(clone, "missing_packages").stdout == "python3 python3-venv\n"


@pytest.mark.parametrize(
    ("version", "suits"), [("1.8", False), ("11", False), ("17", True), ("23", True), ("24", False)]
)
def test_java_suits_from_17_to_23(machine: Machine, clone: Path, version: str, suits: bool):
    machine.has(java=java(version))

    assert machine.bash(clone, "find_java_home").stdout == ("/opt/java\n" if suits else "")


def test_an_old_java_in_path_does_not_hide_a_newer_one(machine: Machine, clone: Path):
    machine.has(java=java("11"))
    newer = machine.bin.parent / "jvm" / "java-21" / "bin" / "java"
    newer.parent.mkdir(parents=True)
    newer.write_text(f"#!/bin/bash\n{java('21', '/usr/lib/jvm/java-21')}")
    newer.chmod(0o755)

    assert machine.bash(clone, "find_java_home").stdout == "/usr/lib/jvm/java-21\n"
    assert machine.bash(clone, "find_java_home", JAVA_HOME=str(newer.parent.parent)).stdout == "/usr/lib/jvm/java-21\n"


@pytest.mark.parametrize(
    ("version", "enough"), [("0.9.0", False), ("0.13.8", False), ("0.13.9", True), ("0.13.10", True), ("1.0.0", True)]
)
def test_an_older_uv_is_not_used(machine: Machine, clone: Path, version: str, enough: bool):
    machine.has(uv=f'echo "uv {version} (x86_64-unknown-linux-gnu)"')

    found = machine.bash(clone, "UV_VERSION=0.13.9; find_uv").stdout

    assert found == (f"{machine.bin}/uv\n" if enough else "")


def test_without_a_fitting_python_the_user_is_told_what_helps(machine: Machine, clone: Path):
    machine.has(uv="[[ $1 == --version ]] && echo uv 99.0 || exit 2")

    run = machine.bash(clone, "install_python")

    assert run.returncode == 1
    assert run.stderr.startswith("Python 3.11 or 3.12 is needed: this machine has neither")


def test_when_packages_fail_the_causes_are_shown_and_the_rest_is_kept(machine: Machine, clone: Path):
    machine.has(uv='(echo "error: Failed to build"; seq 1000; echo "a.cc:3: error: no such thing") >&2; exit 1')
    (machine.bin / "seq").symlink_to(shutil.which("seq") or "seq")

    run = machine.bash(clone, "UV=uv; install_python_packages")

    assert run.returncode == 1
    assert run.stderr.splitlines()[:3] == [
        "error: Failed to build",
        "a.cc:3: error: no such thing",
        f"The Python packages could not be installed; all that uv said is in {clone}/.cache/setup.log.",
    ]
    assert len((clone / ".cache" / "setup.log").read_text().splitlines()) == 1002


@pytest.mark.parametrize("machine_name", ["Darwin arm64", "Linux aarch64"])
def test_another_kind_of_machine_is_refused_at_once(machine: Machine, clone: Path, machine_name: str):
    machine.has(uname=f"[[ $1 == -s ]] && echo {machine_name.split()[0]} || echo {machine_name.split()[1]}")

    run = machine.bash(clone, "refuse_what_cannot_work")

    assert run.returncode == 1
    assert f"this machine is {machine_name}." in run.stderr


# --- Jars --------------------------------------------------------------------------------------------------------

GOOD = b"a jar"
GOOD_SHA256 = hashlib.sha256(GOOD).hexdigest()


@pytest.fixture
def fetch(machine: Machine, clone: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Fetch one jar, from a Maven repository that holds `content` for it."""

    def fetch(content: bytes | None) -> subprocess.CompletedProcess[str]:
        jar = tmp_path / "maven" / "io" / "delta" / "delta-9.jar"
        jar.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            jar.write_bytes(content)
        script = f'PYTHON={sys.executable}; JARS=("{GOOD_SHA256} io/delta/delta-9.jar"); fetch_jars'
        return machine.bash(clone, script, MAVEN_URL=f"file://{tmp_path}/maven")

    return fetch


def jars(clone: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (clone / ".cache" / "jars").iterdir()}


def test_a_jar_with_another_checksum_is_refused_and_not_kept(fetch: Callable, clone: Path, tmp_path: Path):
    run = fetch(b"another jar")

    assert run.returncode == 1
    assert run.stderr.splitlines()[:3] == [
        f"Refused file://{tmp_path}/maven/io/delta/delta-9.jar:",
        f"  sha256 expected {GOOD_SHA256}",
        f"  sha256 found    {hashlib.sha256(b'another jar').hexdigest()}",
    ]
    assert jars(clone) == {}


def test_a_jar_is_fetched_once(fetch: Callable, clone: Path):
    assert fetch(GOOD).returncode == 0
    assert jars(clone) == {"delta-9.jar": GOOD}

    assert fetch(b"the repository has changed").returncode == 0
    assert jars(clone) == {"delta-9.jar": GOOD}


def test_a_jar_that_is_not_whole_is_fetched_again(fetch: Callable, clone: Path):
    (clone / ".cache" / "jars").mkdir(parents=True)
    (clone / ".cache" / "jars" / "delta-9.jar").write_bytes(GOOD[:2])
    (clone / ".cache" / "jars" / "delta-9.jar.part").write_bytes(GOOD[:3])

    assert fetch(GOOD).returncode == 0
    assert jars(clone) == {"delta-9.jar": GOOD}


def test_jars_of_another_version_are_removed(fetch: Callable, clone: Path):
    (clone / ".cache" / "jars").mkdir(parents=True)
    (clone / ".cache" / "jars" / "delta-8.jar").write_bytes(b"old")

    assert fetch(GOOD).returncode == 0
    assert jars(clone) == {"delta-9.jar": GOOD}


def test_a_repository_that_does_not_answer_is_named_with_what_helps(fetch: Callable, clone: Path):
    run = fetch(None)

    assert run.returncode == 1
    assert "Cannot download file://" in run.stderr
    assert "MAVEN_URL=https://... make setup" in run.stderr
    assert jars(clone) == {}


# --- The second run ----------------------------------------------------------------------------------------------


@pytest.fixture
def set_up(machine: Machine, clone: Path) -> Path:
    """A clone that has been set up, on a machine that could not do it now: it has no uv."""
    machine.has(java=java("17", str(machine.bin.parent / "java")))
    (machine.bin.parent / "java" / "bin").mkdir(parents=True)
    shutil.copy(machine.bin / "java", machine.bin.parent / "java" / "bin" / "java")
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    script = 'mkdir -p "$JAR_DIR" "$SPARK_CONF"; touch "$SPARK_CONF/spark-defaults.conf"; write_stamp;'
    script += 'for jar in "${JARS[@]}"; do touch "$JAR_DIR/${jar##*/}"; done'
    assert machine.bash(clone, script).stderr == ""
    (machine.bin / "uv").unlink()
    return clone


def test_the_second_run_does_nothing(machine: Machine, set_up: Path):
    run = machine.bash(set_up, "main")

    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "change",
    [
        "echo >>uv.lock",
        "echo >>pyproject.toml",
        "echo >>setup.sh",
        "rm .venv/bin/python",
        "rm .cache/jars/delta-storage-*",
        "rm .cache/spark-conf/spark-defaults.conf",
        "rm ../java/bin/java",
    ],
)
def test_a_change_is_noticed(machine: Machine, set_up: Path, change: str):
    assert machine.bash(set_up, f"cd {set_up}; is_set_up").returncode == 0
    assert machine.bash(set_up, f"cd {set_up}; {change}; is_set_up").returncode == 1


def test_a_moved_clone_is_noticed(machine: Machine, set_up: Path):
    moved = set_up.rename(set_up.with_name("moved"))

    assert machine.bash(moved, "is_set_up").returncode == 1


# --- Spark's configuration ---------------------------------------------------------------------------------------


@pytest.mark.end_to_end
def test_a_plain_spark_has_delta_and_is_quiet(tmp_path: Path):
    script = f"""
from pyspark.sql import SparkSession

metastore = "spark.hadoop.javax.jdo.option.ConnectionURL"
builder = SparkSession.builder.config("spark.sql.warehouse.dir", "{tmp_path}/warehouse")
builder = builder.config(metastore, "jdbc:derby:;databaseName={tmp_path}/metastore;create=true")
spark = builder.config("spark.driver.extraJavaOptions", "-Dderby.system.home={tmp_path}").getOrCreate()
spark.range(3).write.format("delta").saveAsTable("three")
spark.sql("ALTER TABLE three ADD COLUMNS (name string)")
print(spark.sql("DESCRIBE HISTORY three").count(), spark.table("three").count())
"""
    env = {
        key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_", "JAVA_", "JDK_"))
    }
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300
    )

    assert run.stdout == "2 3\n", run.stderr
    assert run.stderr.splitlines() == ["WARNING: Using incubator modules: jdk.incubator.vector"]


# --- make and .ci/run --------------------------------------------------------------------------------------------


def make(*arguments: str) -> list[str]:
    """The output of `make`, run as a person would: not as a part of the `make test` that runs this."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    run = subprocess.run(["make", *arguments], cwd=CLONE, env=env, capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


@pytest.mark.parametrize(
    ("data", "simulated", "as_of"),
    [
        ([], "world --processes 2", "2025-12-31"),
        (["DATA=complete-journey"], "complete-journey", "2017-12-31"),
    ],
)
def test_the_demo_is_set_up_simulate_and_run(data: list[str], simulated: str, as_of: str):
    set_up, *job = make("-n", "demo", *data)

    assert set_up == "./setup.sh"
    assert job[1:] == [f".venv/bin/simulate {simulated} && .venv/bin/orrery run --as-of {as_of} --workers 2"]


@pytest.mark.parametrize("target", ["demo", "test", "lint", "bench", "faults"])
def test_each_target_sets_up_first(target: str):
    assert make("-n", target)[0] == "./setup.sh"


def test_the_documents_name_only_targets_that_exist():
    text = "".join((CLONE / name).read_text() for name in ("README.md", "CONTRIBUTING.md"))
    named = set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)", text, flags=re.MULTILINE))

    assert {block or inline for block, inline in named} <= {line.split()[1] for line in make("help")}


@pytest.mark.parametrize(("broken", "code"), [("nothing", 0), ("lint", 1), ("test", 1), ("test-end-to-end", 1)])
def test_the_gate_runs_all_and_fails_with_any(machine: Machine, clone: Path, broken: str, code: int):
    machine.has(make=f"[[ $1 != {broken} ]]")
    (clone / "setup.sh").write_text("#!/bin/bash\n")
    (clone / ".ci").mkdir()
    shutil.copy(CLONE / ".ci" / "run", clone / ".ci" / "run")

    run = subprocess.run([clone / ".ci" / "run"], env={"PATH": str(machine.bin)}, stdin=subprocess.DEVNULL)

    assert run.returncode == code
    assert machine.calls("make") == ["make lint", "make test", "make test-end-to-end"]
