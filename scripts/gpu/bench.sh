#!/usr/bin/env bash
# Latency of mdsm-base on a borrowed GPU, with random weights, which take as long as trained ones.
#
#   scripts/gpu/bench.sh OUT              OUT gets bench.md: stage 1, a refinement step, both; each acceleration
set -euo pipefail
cd "$(dirname "$0")/../.."

out=$(realpath -m "${1:?usage: bench.sh OUT}")
python=${PYTHON:-python3}
mkdir -p "$out"
"$python" -m mdsm_ros.commands.main bench --model "random:${PRESET:-mdsm-base}" --runs "${RUNS:-50}" \
    --acceleration none half compile | tee "$out/bench.md"
