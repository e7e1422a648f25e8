#!/usr/bin/env bash
# The ablation on a borrowed GPU, in legs of at most ten minutes.
#
#   scripts/gpu/ablate.sh OUT             as many trainings as the time allows
#   scripts/gpu/ablate.sh OUT EARLIER     goes on after an earlier leg, whose OUT is in the folder EARLIER
#
# OUT gets the figures of each finished training (a few kB), table.md and plot.png. Checkpoints stay in RUN: another
# call on the same machine goes on inside a training; on a fresh machine only finished ones count.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/gpu/common.sh

out=$(realpath -m "${1:?usage: ablate.sh OUT [EARLIER]}")
earlier=${2:-}
config=${CONFIG:-config/train/mdsm-tiny.yaml}
limit=${LIMIT:-420} # seconds: what rendering and copying leave of ten minutes
data=${DATA:-/tmp/mdsm_homes}
run=${RUN:-/tmp/mdsm_ablation}
python=${PYTHON:-python3}
export MUJOCO_GL=egl PYTHONUNBUFFERED=1

mkdir -p "$out" "$run"
[[ -z $earlier ]] || cp -r "$earlier/." "$run/"
homes "$data/train" train "${TRAIN_IMAGES:-20000}" --size 256x192
homes "$data/test" test "${TEST_IMAGES:-650}" --size 256x192
"$python" -m training.evaluation.ablate --config "$config" --data "$data/train" --test-data "$data/test" --out "$run" \
    --limit "${INSTRUCTIONS:-2000}" --max-seconds "$limit" 2>&1 | tee "$out/ablate.log"
figures "$run" "$out"
