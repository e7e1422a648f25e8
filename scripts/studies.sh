#!/usr/bin/env bash
# The studies of docs/results.md and docs/mission.md that take hours of a CPU core. Each one resumes where it was left.
#
#   scripts/studies.sh OUT [STUDY ...]      all studies, or some, in this order:
#
#   refinement     noise level, sampler and number of steps, on the embedded weights (no training)
#   environments   photographs, homes of the library, homes of simple shapes (no training)
#   realtime       latency of every preset with random weights, on this machine
#   zeroshot       a standard segmentation model on rendered, real and both images, with 4, 9 and 14 seen categories
#   ablation       MDSM without its parts, with other noise, on class masks: 10 trainings of 300 steps from 3 seeds
#   latent         the tiny latent diffusion model, on homes and photographs, 5,500 steps; how realistic its drawings are;
#                  and a narrower one of 1,100 steps for its text encoder
#   grounded       Grounded Diffusion's module in 11 variants from 3 seeds, on crops of homes; needs latent
#   vpd            VPD in all variants from 3 seeds, on crops of homes; needs latent
#
# PHOTOGRAPHS is the folder with annotations.json and images/ in COCO's form, ../shared/data/photographs by default.
set -euo pipefail
cd "$(dirname "$0")/.."

out=$(realpath -m "${1:?usage: studies.sh OUT [STUDY ...]}")
shift
photographs=${PHOTOGRAPHS:-../shared/data/photographs}
python=${PYTHON:-.venv/bin/python}
data=$out/data
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

mdsm_data() { "$python" -m training.cli "$@"; }

# homes FOLDER SPLIT IMAGES [OPTION ...]: renders homes, unless they are there
homes() { [[ -f $1/annotations.json ]] || mdsm_data homes --out "$1" --split "$2" --images "$3" --no-depth "${@:4}"; }

photos() {
    [[ -f $data/photographs/annotations.json ]] ||
        mdsm_data photos --coco "$photographs/annotations.json" --images "$photographs/images" --out "$data/photographs" \
            --test 0.2 --test-exhaustive 0.3334 --val 0.1 --sentences training/photos/sentences/*.jsonl
}

mixed() {
    photos
    homes "$data/homes" train 5000 --sentences 8
    [[ -f $data/mix/annotations.json ]] || mdsm_data merge "$data/photographs" "$data/homes" --out "$data/mix"
}

# evaluated NAME OPTION ...: the embedded weights, unless they were evaluated
evaluated() {
    [[ -f $out/$1.txt ]] && return
    "$python" -m training.evaluation.evaluate --limit 400 "${@:2}" >"$out/$1.partial"
    mv "$out/$1.partial" "$out/$1.txt"
}

refinement() {
    photos
    for t in 100 300 600 900; do
        evaluated "start-$t" --data "$data/photographs" --split val --set start_timestep=$t
    done
    for steps in 1 2 4 10 50; do
        for sampler in ddim ddpm; do
            evaluated "$sampler-$steps" --data "$data/photographs" --split val --steps $steps --set sampler=$sampler
        done
    done
    evaluated samples-5 --data "$data/photographs" --split val --samples 5
}

environments() {
    photos
    homes "$data/unseen" test 130 --seed-offset 5000 --models held-out
    homes "$data/shapes" test 130 --seed-offset 6000 --library none --camera ideal
    evaluated on-photographs --data "$data/photographs"
    evaluated on-homes --data "$data/unseen"
    evaluated on-shapes --data "$data/shapes"
}

realtime() {
    for preset in mdsm-small mdsm-tiny mdsm-base lavt-small lavt-tiny lavt-base vpd-tiny vpd-sd15 \
        grounded-diffusion-tiny grounded-diffusion-sd15 daam-tiny daam-sd15; do
        [[ -f $out/bench-$preset.txt ]] ||
            "$python" -m mdsm_ros.commands.main bench --model "random:$preset" --runs 20 | tee "$out/bench-$preset.txt"
    done
}

zeroshot() {
    photos
    homes "$data/homes" train 5000 --sentences 8
    for seen in 4 9 14; do
        mdsm_data zero-shot --config config/train/semantic.yaml --categories pascal-homes --seen-categories $seen \
            --limit 1400 --test-data "$data/photographs" --out "$out/zero-shot-$seen" \
            --train "real=$data/photographs:seen" "synthetic=$data/homes" "both=$data/photographs:seen,$data/homes"
    done
}

ablation() {
    mixed
    "$python" -m training.evaluation.ablate --config config/train/mdsm-small-against-lavt.yaml --data "$data/mix" \
        --test-data "$data/photographs" --split val --limit 400 --out "$out/ablation" \
        --variants mdsm no-diffusion no-clip no-swin no-dice lean-decoder linear scaled-linear from-truth epsilon class-masks
}

latent() {
    homes "$data/views" train 4000 --size 256x192
    photos
    [[ -f $data/captions/annotations.json ]] || {
        mdsm_data captions "$data/views" --out "$data/captions-homes"
        mdsm_data captions "$data/photographs" --out "$data/captions-photographs"
        mdsm_data merge "$data/captions-homes" "$data/captions-photographs" --out "$data/captions"
    }
    "$python" -m training.latent.command --config config/train/ldm-tiny-short.yaml --data "$data/captions" \
        --out runs/ldm-tiny-short --resume # where the configurations of VPD and Grounded Diffusion look for it
    "$python" -m training.latent.command --config config/train/ldm-tiny-narrow.yaml --data "$data/captions" \
        --out runs/ldm-tiny-narrow --resume # for its text encoder
    [[ -f $out/drawn.json ]] ||
        mdsm_data realism --drawn runs/ldm-tiny-short/model --views 4 --photographs "$photographs" --out "$out/drawn.json" \
            >"$out/drawn.txt"
}

# asked FOLDER DATASET [OPTION ...]: questions about crops of the views in DATASET, all of them about what is there
asked() {
    [[ -f $1/annotations.json ]] || mdsm_data captions "$2" --questions --absent-share 0 --out "$1" "${@:3}"
}

views() {
    homes "$data/views" train 4000 --size 256x192
    homes "$data/views-test" test 100 --size 256x192
}

grounded() {
    views
    asked "$data/grounding" "$data/views" --categories homes-2
    asked "$data/grounding-test" "$data/views-test" --categories homes-2
    "$python" -m training.evaluation.ablate --config config/train/grounded-diffusion-tiny-short.yaml --data "$data/grounding" \
        --test-data "$data/grounding-test" --split seen unseen --limit 200 --out "$out/grounded"
}

vpd() {
    views
    asked "$data/asked" "$data/views"
    asked "$data/asked-test" "$data/views-test"
    "$python" -m training.evaluation.compare --vpd config/train/vpd-tiny-short.yaml \
        --text-tower runs/ldm-tiny-narrow/model --data "$data/asked" --test-data "$data/asked-test" \
        --limit 300 --out "$out/vpd"
}

mkdir -p "$out"
studies=(refinement environments realtime zeroshot ablation latent grounded vpd)
for study in "${@:-${studies[@]}}"; do
    [[ " ${studies[*]} " == *" $study "* ]] || {
        echo "study is '$study', expected one of ${studies[*]}" >&2
        exit 2
    }
    "$study"
done
