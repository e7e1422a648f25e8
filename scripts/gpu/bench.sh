#!/usr/bin/env bash
# Times on a GPU, in less than ten minutes: the embedded presets, mdsm-base and LAVT-base (random weights, which take as
# long as trained ones); fp32, fp16 and bf16; torch.compile off, on and with CUDA graphs; one image and eight; memory.
#
#   scripts/gpu/bench.sh OUT
#   cp OUT/bench.json docs/gpu.json && make docs    # puts the table into docs/results.md
#
# OUT gets bench.json and bench.md, written after every cell, and latency.md: whole answers, with the preparation of images.
# The environment changes what is measured: DEVICE, MODELS, WAYS, PRECISIONS, BATCHES, RUNS, LIMIT (seconds).
set -euo pipefail
cd "$(dirname "$0")/../.."

out=$(realpath -m "${1:?usage: bench.sh OUT}")
python=${PYTHON:-python3}
device=${DEVICE:-auto}
mkdir -p "$out"
# shellcheck disable=SC2086 # several words
"$python" -m mdsm_ros.commands.bench.grid --out "$out" --device "$device" --runs "${RUNS:-30}" \
    --models ${MODELS:-mdsm-small random:mdsm-base random:lavt-base} --ways ${WAYS:-eager compile graphs} \
    --precisions ${PRECISIONS:-fp32 fp16 bf16} --batches ${BATCHES:-1 8} --seconds "${LIMIT:-480}"
"$python" -m mdsm_ros.commands.main bench --device "$device" --runs "${RUNS:-30}" --acceleration none half |
    tee "$out/latency.md"
