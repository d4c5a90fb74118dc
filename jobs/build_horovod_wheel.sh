#!/usr/bin/env bash
# Builds dist/horovod-*.whl for the Python of a Databricks Runtime (3.12 in 18): jobs/build_horovod_wheel.sh [3.12]
# It takes some minutes, and needs uv, g++ and make. The versions and the reasons are those of pyproject.toml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${1:-3.12}
environment=$(mktemp -d)
trap 'rm -rf "$environment"' EXIT

uv venv --quiet --python "$python" "$environment"
uv pip install --quiet --python "$environment" \
    pip tensorflow-cpu==2.18.1 'setuptools<81' wheel packaging cloudpickle psutil pyyaml cffi 'cmake<4'

export HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1
export HOROVOD_WITH_GLOO=1 HOROVOD_WITHOUT_MPI=1 HOROVOD_CPU_OPERATIONS=GLOO
PATH=$environment/bin:$PATH "$environment/bin/pip" wheel --quiet --no-deps --no-build-isolation \
    --wheel-dir dist horovod==0.28.1
