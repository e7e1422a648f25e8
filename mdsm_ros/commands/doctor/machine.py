"""The machine: writable folders, and rendering without a screen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from ctypes.util import find_library
from pathlib import Path

from mdsm_ros.commands.doctor.check import MISSING, NOTE, OK, WRONG, Check

ROOM = 2 * 10**9  # bytes, the size of the larger public weights


def check_folders(environment: Mapping[str, str]) -> list[Check]:
    """Checks that the home folder, the model cache and ROS's log folder are writable."""
    home = environment.get("HOME", "")
    if not home:  # ROS ends if it finds no folder for its logs
        return [Check("home", WRONG, "HOME is not set", "export HOME=/a/folder/that/can/be/written")]
    where = Path(home)
    cache = _cache(environment, where)
    logs = Path(environment.get("ROS_LOG_DIR") or Path(environment.get("ROS_HOME") or where / ".ros") / "log")
    return [
        _check_folder("home", where, "export HOME=/a/folder/that/can/be/written", required=False),
        _check_folder("cache of models", cache, "export HF_HOME=/a/folder/that/can/be/written", required=False),
        _check_folder("logs of ROS", logs, "export ROS_LOG_DIR=/a/folder/that/can/be/written", required=True),
    ]


def check_drawing(environment: Mapping[str, str], *, required: bool) -> Check:
    """Checks that MuJoCo can render without a screen."""
    chosen = environment.get("MUJOCO_GL", "egl").lower()
    library = {"egl": "EGL", "osmesa": "OSMesa", "glfw": "GL"}.get(chosen)
    if library is None:
        detail = f"MUJOCO_GL is {chosen!r}, expected egl, osmesa or glfw"
        return Check("drawing for the simulation", WRONG, detail, "unset MUJOCO_GL", required)
    if find_library(library) is None:
        line = "sudo apt install libegl1 libgl1-mesa-dri" if library == "EGL" else "unset MUJOCO_GL"
        return Check("drawing for the simulation", MISSING, f"lib{library} is not found", line, required)
    return Check("drawing for the simulation", OK, f"lib{library}", "", required)


def _cache(environment: Mapping[str, str], home: Path) -> Path:
    """The model cache of huggingface_hub."""
    if environment.get("HF_HUB_CACHE"):
        return Path(environment["HF_HUB_CACHE"])
    root = Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "huggingface"
    return Path(environment.get("HF_HOME") or root) / "hub"


def _check_folder(name: str, folder: Path, mend: str, *, required: bool) -> Check:
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        return Check(name, WRONG, f"{folder} cannot be written", mend, required)
    free = shutil.disk_usage(there).free
    if free < ROOM:
        return Check(name, NOTE, f"{folder}, only {free / 1e9:.1f} GB free", mend, required)
    return Check(name, OK, str(folder), "", required)
