#!/usr/bin/env bash
# The diffusion systems on a borrowed GPU, in legs of at most ten minutes: two tiny latent diffusion models of homes, then
# MDSM, VPD in its variants and DAAM in one table.
#
#   scripts/gpu/diffusion.sh OUT            as far as the time allows
#   scripts/gpu/diffusion.sh OUT EARLIER    goes on after an earlier leg, whose OUT is in the folder EARLIER
#
# OUT gets the finished latent diffusion models in pieces that may come back (`cat latent.tar.* | tar x`), the figures of
# each finished training, table.md and plot.png. Checkpoints stay in RUN: another call on the same machine goes on
# inside a training; on a fresh machine only what was finished counts.
set -euo pipefail
cd "$(dirname "$0")/../.."
source scripts/gpu/common.sh

out=$(realpath -m "${1:?usage: diffusion.sh OUT [EARLIER]}")
earlier=${2:-}
latent=${LATENT:-config/train/ldm-tiny.yaml}
narrow=${NARROW:-config/train/ldm-tiny-narrow.yaml} # for its text encoder
mdsm=${MDSM:-config/train/mdsm-tiny-short.yaml}
vpd=${VPD:-config/train/vpd-tiny.yaml}
limit=${LIMIT:-520} # seconds for all of it: what copying leaves of ten minutes
data=${DATA:-/tmp/mdsm_homes_small}
run=${RUN:-/tmp/mdsm_diffusion}
python=${PYTHON:-python3}
export MUJOCO_GL=egl PYTHONUNBUFFERED=1

# trained NAME CONFIG: a latent diffusion model in RUN/NAME, packed in OUT; ends the leg where the time is not enough for it
trained() {
    [[ -f $run/$1.finished ]] && return
    [[ -f $data/captions/annotations.json ]] ||
        "$python" -m training.cli captions "$data/train" --out "$data/captions" --workers "$(nproc)"
    "$python" -m training.latent.command --config "$2" --data "$data/captions" --out "$run/$1" --resume \
        --max-seconds "$(left)" 2>&1 | tee "$out/$1.log"
    if grep -q 'resume with --resume' "$out/$1.log"; then
        exit 0
    fi
    touch "$run/$1.finished"
    tar c -C "$run" "$1/model" "$1.finished" | split -b 15M - "$out/$1.tar."
}

left() { echo $((limit > SECONDS + 10 ? limit - SECONDS : 10)); }

mkdir -p "$out" "$run/compare"
if [[ -n $earlier ]]; then
    cp -r "$earlier/." "$run/compare/"
    rm -f "$run"/compare/*.tar.*
    for name in latent narrow; do
        if compgen -G "$earlier/$name.tar.*" >/dev/null; then
            cp "$earlier/$name".tar.* "$out"
            cat "$earlier/$name".tar.* | tar x -C "$run"
        fi
    done
fi
homes "$data/train" train "${TRAIN_IMAGES:-4000}" --size 256x192
homes "$data/test" test "${TEST_IMAGES:-100}"
trained latent "$latent"
"$python" -c 'import sys, yaml
config = yaml.safe_load(open(sys.argv[1]))
config["model"] = config.get("model", {}) | {"checkpoint": sys.argv[2]}
yaml.safe_dump(config, sys.stdout)' "$vpd" "$run/latent/model" >"$run/vpd.yaml"
configs=()
for name in ${VARIANTS:-mdsm vpd}; do
    case $name in
    mdsm | lavt-*) [[ " ${configs[*]} " == *" --mdsm "* ]] || configs+=(--mdsm "$mdsm") ;;
    *) [[ " ${configs[*]} " == *" --vpd "* ]] || configs+=(--vpd "$run/vpd.yaml") ;;
    esac
done
tower=()
if [[ -z ${VARIANTS:-} || $VARIANTS == *small-text* || $VARIANTS == *report* ]]; then
    trained narrow "$narrow"
    tower=(--text-tower "$run/narrow/model") # that of the hub cannot be had here
fi
# shellcheck disable=SC2086 # several words
"$python" -m training.evaluation.compare "${configs[@]}" --data "$data/train" --test-data "$data/test" --out "$run/compare" \
    --limit "${INSTRUCTIONS:-250}" --max-seconds "$(left)" \
    "${tower[@]}" ${VARIANTS:+--variants $VARIANTS} ${SEEDS:+--seeds $SEEDS} 2>&1 | tee "$out/compare.log"
figures "$run/compare" "$out"
