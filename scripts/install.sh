#!/usr/bin/env bash
# Sets up .venv: install.sh demo | dev. Needs only python3 (3.10 or newer) on the machine.
#
# MDSM_TORCH chooses the build of PyTorch: cpu (1 GB instead of 6 on x86), cu126 and the like, or the URL of an index;
# without it, that of PyPI. MDSM_TORCH=none installs ONNX Runtime instead, which runs the embedded model on a CPU (demo only).
# ROS_WHEELS=kilted takes ROS 2 Kilted from PyPI instead of Jazzy.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A extras=([demo]=ros,torch,video [dev]=ros,torch,video,sim,data,train,web,onnx,openvino,export,test)
purpose=${1:?usage: install.sh demo|dev}
[[ -v extras[$purpose] ]] || { echo "install.sh: unknown purpose '$purpose', expected demo or dev" >&2; exit 2; }
case ${MDSM_TORCH:-} in
    "") torch_index= ;;
    none)
        torch_index=
        [[ $purpose == demo ]] || { echo "install.sh: MDSM_TORCH is 'none', expected a build of PyTorch for $purpose" >&2; exit 2; }
        extras[demo]=ros,onnx,video ;;
    cpu | xpu | cu[0-9]* | rocm[0-9]*) torch_index=https://download.pytorch.org/whl/$MDSM_TORCH ;;
    *://*) torch_index=$MDSM_TORCH ;;
    *) echo "install.sh: MDSM_TORCH is '$MDSM_TORCH', expected none, cpu, xpu, cu126, rocm6.4 or the URL of an index" >&2; exit 2 ;;
esac

python3 - <<'PY' || exit 1
import sys
if sys.version_info < (3, 10):
    sys.exit(f"install.sh: python3 is {sys.version.split()[0]}, expected 3.10 or newer")
PY

if [[ ! -x .venv/bin/python ]]; then
    if ! python3 -m ensurepip --version >/dev/null 2>&1; then
        scripts/apt_install.sh python3-venv || {
            echo "install.sh: this python3 cannot make virtual environments; install the package python3-venv" >&2
            exit 1
        }
    fi
    python3 -m venv .venv
fi
touch .venv/COLCON_IGNORE # where this folder lies in a colcon workspace
export UV_CACHE_DIR=${UV_CACHE_DIR:-$PWD/.venv/cache} # nothing outside this folder; the files are links to those in .venv
[[ -x .venv/bin/uv ]] || .venv/bin/python -m pip install --quiet --no-cache-dir uv
if [[ $purpose == dev ]]; then # MuJoCo draws with EGL; without it the tests that render are skipped
    scripts/egl.sh || true
fi
chosen=${extras[$purpose]}
case ${ROS_WHEELS:=jazzy} in
    jazzy) ;;
    kilted) chosen=${chosen/#ros,/ros-kilted,} ;;
    *) echo "install.sh: ROS_WHEELS is '$ROS_WHEELS', expected jazzy or kilted" >&2; exit 2 ;;
esac
if [[ $purpose == dev ]]; then # one of the library's packages is compiled when it is installed
    if command -v c++ >/dev/null; then
        chosen+=,library
    else
        echo "install.sh: no C++ compiler, so 'mdsm-data library' cannot convert models and its tests are skipped" >&2
    fi
fi
if [[ -n $torch_index ]]; then
    .venv/bin/uv pip install --python .venv/bin/python --index-url "$torch_index" torch torchvision
fi
.venv/bin/uv pip install --python .venv/bin/python --editable ".[$chosen]"
touch ".venv/$purpose.stamp"
