#!/usr/bin/env bash
# Makes sure that MuJoCo can render without a screen: EGL and a software driver.
set -euo pipefail
packages=(libegl1 libgl1-mesa-dri)
command -v dpkg >/dev/null || exit 0
dpkg --status "${packages[@]}" >/dev/null 2>&1 || "$(dirname "$0")/apt_install.sh" "${packages[@]}"
