#!/usr/bin/env bash
# Sets this clone up: system packages, Python packages, Delta's jars and Spark's configuration.
# Run it as often as you like: when nothing has changed it does nothing.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PYTHON=$ROOT/.venv/bin/python
STAMP=$ROOT/.venv/.orrery-setup
OWN_UV=$ROOT/.cache/uv
JAR_DIR=$ROOT/.cache/jars
SPARK_CONF=$ROOT/.cache/spark-conf
LAKE=$ROOT/.lakehouse
LOG=$ROOT/.cache/setup.log

UV_VERSION=0.13.9
PYTHON_VERSIONS='>=3.11,<3.13' # as in pyproject.toml
OLDEST_JAVA=17
NEWEST_JAVA=23 # the Hadoop inside Spark 4.1 fails on later ones
JVMS=/usr/lib/jvm

MAVEN_URL=${MAVEN_URL:-https://repo1.maven.org/maven2}
# Delta's coordinates resolve to 36 jars; PySpark lacks only these three. Each is a sha256 and a path.
JARS=(
    "75a9400986853c061f5109f012547de2545a5759e5e752e5ef633dabe16a4f10 io/delta/delta-spark_4.1_2.13/4.4.0/delta-spark_4.1_2.13-4.4.0.jar"
    "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc io/delta/delta-storage/4.4.0/delta-storage-4.4.0.jar"
    "6a19d90bc3b6e88d8db0fa36a19273aa10fea2dbd7a62bb60e4cedd73051b32d org/apache/spark/spark-avro_2.13/4.1.1/spark-avro_2.13-4.1.1.jar"
)

main() {
    cd "$ROOT"
    if is_set_up; then return; fi
    refuse_what_cannot_work
    install_system_packages
    install_python
    install_python_packages
    fetch_jars
    write_spark_conf
    archive_classes
    write_stamp
    say "Set up in $SECONDS s."
}

say() { printf '%s\n' "$@"; }
fail() {
    say "$@" >&2
    exit 1
}
has() { command -v "$1" >/dev/null; }

# --- Has anything changed since the last time? -------------------------------------------------------------------

is_set_up() {
    local known java_home jar
    [[ -f $STAMP && -x $PYTHON && -f $SPARK_CONF/spark-defaults.conf ]] || return 1
    { read -r known && read -r java_home; } <"$STAMP" || return 1
    [[ $known == "$(fingerprint)" && -x $java_home/bin/java ]] || return 1
    for jar in "${JARS[@]}"; do
        [[ -f $JAR_DIR/${jar##*/} ]] || return 1
    done
}

fingerprint() {
    { say "$ROOT" "$(readlink -f "$PYTHON")" && cat "$ROOT"/{uv.lock,pyproject.toml,setup.sh}; } | sha256sum | cut -d' ' -f1
}

write_stamp() { say "$(fingerprint)" "$(find_java_home)" >"$STAMP"; }

# --- What the machine must have ----------------------------------------------------------------------------------

refuse_what_cannot_work() {
    local machine
    machine="$(uname -s) $(uname -m)"
    [[ $machine == "Linux x86_64" ]] ||
        fail "Orrery's locked packages are for Linux x86_64; this machine is $machine." \
            "Use a virtual machine or a container of Linux x86_64."
    [[ $ROOT != *[[:space:],]* ]] ||
        fail "Spark's start scripts fail in a folder with a space or a comma in its path: $ROOT" \
            "Move the clone, and run this again."
}

install_system_packages() {
    local packages become_root=()
    read -ra packages <<<"$(missing_packages)"
    if [[ ${#packages[@]} -eq 0 ]]; then return; fi

    if ! has apt-get; then
        fail "This machine lacks what these Debian packages hold: ${packages[*]}" \
            "Install them with the system's package manager, and run this again."
    elif [[ $(id -u) -ne 0 ]]; then
        become_root=(sudo -n)
        "${become_root[@]}" true 2>/dev/null ||
            fail "System packages are missing. Type this, and run it again:" \
                "  sudo apt-get update && sudo apt-get install -y ${packages[*]}"
    fi
    say "Setting up: system packages (${packages[*]}) ..."
    quietly "${become_root[@]}" apt-get update
    read -ra packages <<<"$(missing_packages)" # again: apt may know of more now
    quietly "${become_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${packages[@]}"
}

missing_packages() {
    local packages=()
    find_java_home >/dev/null || packages+=("$(java_package)")
    has g++ || packages+=(g++) # Horovod has no wheel: it is built here
    has make || packages+=(make)
    find_uv >/dev/null || python_has_venv || packages+=(python3 python3-venv)
    say "${packages[*]}"
}

find_java_home() {
    local java
    for java in "${JAVA_HOME:+$JAVA_HOME/bin/java}" "$(type -P java)" "$JVMS"/*/bin/java; do
        if [[ -x $java ]] && home_if_suitable "$java"; then return; fi
    done
    return 1
}

home_if_suitable() {
    local properties version
    properties=$("$1" -XshowSettings:properties -version 2>&1) || return 1
    version=$(sed -n 's/^ *java\.specification\.version = //p' <<<"$properties")
    # Java 8 calls itself 1.8, which is no whole number.
    [[ $version =~ ^[0-9]+$ && $version -ge $OLDEST_JAVA && $version -le $NEWEST_JAVA ]] || return 1
    sed -n 's/^ *java\.home = //p' <<<"$properties"
}

# Debian 12 has 17 and Debian 13 has 21; the default of Ubuntu 22.04 is too old.
java_package() {
    local package
    for package in openjdk-17-jre-headless openjdk-21-jre-headless; do
        if [[ $(apt-cache show "$package" 2>/dev/null) ]]; then # it shows nothing, with success, for an obsolete one
            say "$package"
            return
        fi
    done
    say default-jre-headless
}

# Runs a command whose output matters only if it fails.
quietly() {
    local output
    output=$("$@" 2>&1 </dev/null) || fail "$output" "Failed: $*"
}

# --- Python ------------------------------------------------------------------------------------------------------

find_uv() {
    local uv
    for uv in "$(type -P uv)" "$OWN_UV/bin/uv"; do
        if [[ -x $uv ]] && is_new_enough "$("$uv" --version)"; then
            say "$uv"
            return
        fi
    done
    return 1
}

is_new_enough() { # "uv 0.13.10 (...)"
    local version
    read -r _ version _ <<<"$1"
    say "$UV_VERSION" "$version" | sort --version-sort --check=silent
}

python_has_venv() { has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }

install_python() {
    if ! find_uv >/dev/null; then
        say "Setting up: uv $UV_VERSION ..."
        quietly python3 -m venv --clear "$OWN_UV"
        quietly "$OWN_UV/bin/pip" install --disable-pip-version-check "uv==$UV_VERSION"
    fi
    UV=$(find_uv) || fail "uv $UV_VERSION was installed in $OWN_UV, and does not run."
    export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-1} # a company's own certificates are in the system's store

    "$UV" python find --system "$PYTHON_VERSIONS" >/dev/null 2>&1 && return
    say "Setting up: Python 3.12 (this machine has none from $PYTHON_VERSIONS) ..."
    "$UV" python install --no-progress 3.12 ||
        fail "Python 3.11 or 3.12 is needed: this machine has neither, and uv could not download one." \
            "Install one (pyenv, conda or your company's packages: anything that puts python3.12 in PATH)," \
            "or name a mirror of python-build-standalone in UV_PYTHON_INSTALL_MIRROR; then run this again."
}

install_python_packages() {
    say "Setting up: Python packages (the first time 5 to 10 minutes: Horovod is built from source) ..."
    mkdir -p "${LOG%/*}"
    MAKEFLAGS=-j$(build_jobs) "$UV" sync --locked --quiet --compile-bytecode </dev/null 2>"$LOG" ||
        fail "$(grep -E -m 20 'error|cause:|hint:' "$LOG" || tail -n 20 "$LOG")" \
            "The Python packages could not be installed; all that uv said is in $LOG." \
            "What is done is kept: correct the cause, and run this again."
}

# Horovod would start 8 compilers at once, and each takes up to 2 GB.
build_jobs() {
    local cores kilobytes by_memory
    cores=$(nproc)
    read -r _ kilobytes _ < <(grep '^MemAvailable:' /proc/meminfo)
    by_memory=$((kilobytes / 2000000))
    say $((by_memory < 1 ? 1 : by_memory < cores ? by_memory : cores))
}

# --- Spark -------------------------------------------------------------------------------------------------------

fetch_jars() {
    local jar
    say "Setting up: Delta's jars ..."
    mkdir -p "$JAR_DIR"
    for jar in "${JARS[@]}"; do
        # shellcheck disable=SC2086  # a sha256 and a path
        fetch_jar $jar
    done
    remove_other_jars
}

# A jar has its name only once it is whole and right.
fetch_jar() {
    local sha256=$1 url=$MAVEN_URL/$2 jar=$JAR_DIR/${2##*/}
    local part=$jar.part
    if has_sha256 "$jar" "$sha256"; then return; fi
    download "$url" "$part" || download "$url" "$part" ||
        fail "If this machine reaches Maven Central through a mirror, name it: MAVEN_URL=https://... make setup"
    if ! has_sha256 "$part" "$sha256"; then
        local found
        found=$(sha256sum <"$part")
        rm "$part"
        fail "Refused $url:" "  sha256 expected $sha256" "  sha256 found    ${found%% *}" \
            "Run this again; if it stays so, the repository ($MAVEN_URL) holds another file: do not use it."
    fi
    mv "$part" "$jar"
}

remove_other_jars() { # those of another version
    local file
    for file in "$JAR_DIR"/*; do
        [[ "${JARS[*]} " == *"/${file##*/} "* ]] || rm "$file"
    done
}

has_sha256() { [[ -f $1 ]] && sha256sum --check --status <<<"$2  $1"; }

download() {
    "$PYTHON" - "$1" "$2" <<'PYTHON'
import http.client, shutil, sys, urllib.request

url, path = sys.argv[1:]
try:
    with urllib.request.urlopen(url, timeout=60) as answer, open(path, "wb") as file:
        shutil.copyfileobj(answer, file)
except (OSError, http.client.HTTPException) as error:
    sys.exit(f"Cannot download {url}: {error}")
PYTHON
}

# What every Spark of this clone starts with: jobs, tests, plain `dbt` and `spark-sql`. A job's own settings win.
write_spark_conf() {
    local jar paths=()
    for jar in "${JARS[@]}"; do paths+=("$JAR_DIR/${jar##*/}"); done
    mkdir -p "$SPARK_CONF"
    spark_defaults "${paths[@]}" >"$SPARK_CONF/spark-defaults.conf"
    spark_env >"$SPARK_CONF/spark-env.sh"
    log4j2_properties >"$SPARK_CONF/log4j2.properties"
    # Without SPARK_CONF_DIR, Spark reads the folder conf/ of its own package.
    ln -sfn "$SPARK_CONF" "$("$PYTHON" -c 'import importlib.util as i; print(i.find_spec("pyspark").submodule_search_locations[0])')/conf"
}

# Each command starts some seconds sooner. Where it fails, they start as they do without.
archive_classes() {
    say "Setting up: an archive of Java's classes, for a quick start ..."
    (cd "$ROOT" && "$PYTHON" -m lakehouse.classes >"$LOG" 2>&1 </dev/null) ||
        say "It could not be made, and all works without; why is in $LOG."
}

joined_by() { # joined_by , a b
    local IFS=$1
    say "${*:2}"
}

spark_defaults() {
    cat <<CONF
# Written by setup.sh.

# Delta, from local files: no Ivy and no network. The Thrift server finds them only in extraClassPath.
spark.jars                                  $(joined_by , "$@")
spark.driver.extraClassPath                 $(joined_by : "$@")
spark.sql.extensions                        io.delta.sql.DeltaSparkSessionExtension
spark.sql.catalog.spark_catalog             org.apache.spark.sql.delta.catalog.DeltaCatalog

# The lakehouse of this clone.
spark.sql.catalogImplementation             hive
spark.sql.warehouse.dir                     $LAKE/warehouse
spark.hadoop.javax.jdo.option.ConnectionURL jdbc:derby:;databaseName=$LAKE/metastore;create=true
spark.driver.extraJavaOptions               -Dderby.system.home=$LAKE

# One machine, small tables: Spark's defaults are for a cluster. Listing files with 10,000 tasks makes a VACUUM
# of a small table take 35 s where it can take 3.
spark.driver.memory                         3g
spark.sql.shuffle.partitions                8
spark.databricks.delta.snapshotPartitions   2
spark.sql.sources.parallelPartitionDiscovery.parallelism 4
spark.ui.enabled                            false
spark.ui.showConsoleProgress                false
spark.sql.session.timeZone                  UTC
# Replacing a Delta table changes its columns, which Hive refuses with a long stack trace.
spark.hadoop.hive.metastore.disallow.incompatible.col.type.changes false
CONF
}

spark_env() {
    cat <<CONF
# Written by setup.sh. Sourced by each of Spark's start scripts.
JAVA_HOME=$(find_java_home)
SPARK_LOCAL_IP=\${SPARK_LOCAL_IP:-127.0.0.1} # no port is open to the network, and none is needed
CONF
}

log4j2_properties() {
    cat <<'CONF'
# Written by setup.sh. What a person should read, and not what Spark says each time.
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex{short}

# Spark's own libraries with an older Hive, Derby's table names, plans too long to print: no one can act on these.
logger.hadoop.name = org.apache.hadoop.util.NativeCodeLoader
logger.hadoop.level = error
logger.hive.name = org.apache.hadoop.hive
logger.hive.level = error
logger.catalog.name = org.apache.spark.sql.hive.HiveExternalCatalog
logger.catalog.level = error
logger.datanucleus.name = DataNucleus
logger.datanucleus.level = error
logger.plans.name = org.apache.spark.util.SparkStringUtils
logger.plans.level = error
logger.memory.name = org.apache.spark.executor.ProcfsMetricsGetter
logger.memory.level = error
logger.address.name = io.netty.util.internal.MacAddressUtil
logger.address.level = error
logger.conf.name = org.apache.spark.SparkConf
logger.conf.level = error
CONF
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main; fi
