#!/usr/bin/env bash
# One leg of a training on a borrowed GPU: bounded in time, and resumable from small files.
#
#   scripts/gpu/train.sh OUT [LAST_LEG]
#
# OUT gets leg.tar.00, leg.tar.01 ... (checkpoints, tokenizer and model, at most 15 MiB each); LAST_LEG is the OUT of the
# leg before. Homes are rendered afresh where they are not there any more: the same seeds give the same homes.
set -euo pipefail
cd "$(dirname "$0")/../.."

out=$(realpath -m "${1:?usage: train.sh OUT [LAST_LEG]}")
last=${2:-}
config=${CONFIG:-config/train/mdsm-tiny.yaml}
seconds=${SECONDS_TO_TRAIN:-420} # what is left of ten minutes after rendering and packing
data=${DATA:-/tmp/mdsm_homes}
run=${RUN:-/tmp/mdsm_run}
python=${PYTHON:-python3}
export MUJOCO_GL=egl PYTHONUNBUFFERED=1

mkdir -p "$out" "$run"
for split in train:${TRAIN_IMAGES:-20000} val:${VAL_IMAGES:-500}; do
    folder=$data/${split%:*}
    [[ -f $folder/annotations.json ]] || "$python" -m training.cli homes \
        --split "${split%:*}" --images "${split#*:}" --workers "$(nproc)" --no-depth --out "$folder"
done
[[ -z $last ]] || cat "$last"/leg.tar.* | tar -x -C "$run"
"$python" -m training.train --config "$config" --data "$data/train" --val-data "$data/val" --out "$run" \
    --resume --max-seconds "$seconds"
rm -f "$out"/leg.tar.*
tar -c -C "$run" --exclude tensorboard . | split -b 15M -d - "$out/leg.tar."
ls -l "$out"
