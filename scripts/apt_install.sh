#!/usr/bin/env bash
# Installs Debian packages where we are root on such a system; says what to do where not.
set -euo pipefail
if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "missing system packages, please install: $*" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get install --yes --no-install-recommends "$@" >/dev/null 2>&1 && exit 0
apt-get update >/dev/null && apt-get install --yes --no-install-recommends "$@" >/dev/null
