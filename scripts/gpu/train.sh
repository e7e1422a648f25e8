#!/usr/bin/env bash
# Trains on a borrowed GPU: one command of at most ten minutes, small files back.
#
#   scripts/gpu/train.sh OUT              both stages, or as far as the time goes
#   STAGE=2 scripts/gpu/train.sh OUT MODEL    stage 2 on top of the model folder of an earlier leg
#
# OUT gets model/ and train.log. Checkpoints (100 MB) stay in RUN: another call on the same machine goes on from there.
# Homes are rendered on the spot; the same seeds give the same homes.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/gpu/common.sh

out=$(realpath -m "${1:?usage: train.sh OUT [MODEL]}")
model=${2:-}
config=${CONFIG:-config/train/mdsm-tiny.yaml}
limit=${LIMIT:-420} # seconds of training: what rendering and copying leave of ten minutes
data=${DATA:-/tmp/mdsm_homes}
run=${RUN:-/tmp/mdsm_run}
python=${PYTHON:-python3}
export MUJOCO_GL=egl PYTHONUNBUFFERED=1

mkdir -p "$out" "$run"
homes "$data/train" train "${TRAIN_IMAGES:-20000}"
homes "$data/val" val "${VAL_IMAGES:-500}"
[[ -z $model ]] || cp -r "$model" "$run/model"
"$python" -m training.train.command --config "$config" --data "$data/train" --val-data "$data/val" --out "$run" \
    --stage "${STAGE:-all}" --resume --max-seconds "$limit" 2>&1 | tee "$out/train.log"
rm -rf "$out/model"
cp -r "$run/model" "$out/model"
