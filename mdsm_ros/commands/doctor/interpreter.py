"""The Python that runs this command, and the one that runs the installed executables."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from mdsm_ros.commands.doctor.check import NOTE, OK, WRONG, Check

LEAST = (3, 10)
EXECUTABLE = Path("lib", "mdsm_ros", "mdsm_node")
BUILD = "python3 -m colcon build --packages-select mdsm_ros"
MAKE_VENV = "python3 -m venv --system-site-packages venv && touch venv/COLCON_IGNORE && . venv/bin/activate"


def check_python() -> Check:
    """Checks the version of the running Python."""
    detail = f"{sys.version.split()[0]}, {sys.executable}"
    if sys.version_info < LEAST:
        return Check("Python", WRONG, detail, f"use Python {'.'.join(map(str, LEAST))} or newer")
    return Check("Python", OK, detail)


def check_venv(environment: Mapping[str, str]) -> Check:
    """Checks that the active virtual environment is used, and that it sees the system packages that ROS needs."""
    name, active = "virtual environment", environment.get("VIRTUAL_ENV", "")
    if active and not _same(active, sys.prefix):
        detail = f"{active} is active, but this runs in {sys.prefix} and does not see it"
        return Check(name, WRONG, detail, f"{BUILD}  (with the environment active), or: deactivate")
    if sys.prefix == sys.base_prefix:
        return Check(name, OK, "none, the packages are those of the Python itself")
    if environment.get("ROS_DISTRO") and not _sees_system():
        detail = f"{sys.prefix} does not see the system's packages, which ROS needs"
        return Check(name, WRONG, detail, MAKE_VENV)
    return Check(name, OK, f"{sys.prefix}{', sees the system packages' if _sees_system() else ''}")


def check_executable(environment: Mapping[str, str]) -> Check:
    """Checks which Python the executables of the colcon workspace start."""
    name = "executables"
    found = [
        path
        for prefix in environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
        if prefix and (path := Path(prefix) / EXECUTABLE).is_file()
    ]
    if not found:
        where = shutil.which("mdsm_node", path=str(Path(sys.executable).parent))
        here = where or f"{sys.executable} -m mdsm_ros.commands.main"
        return Check(name, OK, f"not in a colcon workspace (AMENT_PREFIX_PATH); {here}", required=False)
    interpreter = interpreter_of(found[0], environment)
    if interpreter is None:
        return Check(name, WRONG, f"{found[0]} starts no Python that is there: {first_line(found[0])}", BUILD)
    if _same(interpreter.parent, Path(sys.executable).parent) or _same(interpreter, sys.executable):
        return Check(name, OK, f"{found[0]} starts {interpreter}")
    detail = f"{found[0]} starts {interpreter}, this is {sys.executable}"
    return Check(name, WRONG, detail, f"{BUILD}  (with this Python's environment active)")


def first_line(path: Path) -> str:
    """Returns the first line of a script."""
    with path.open("rb") as file:
        return file.readline(500).decode(errors="replace").strip()


def interpreter_of(script: Path, environment: Mapping[str, str]) -> Path | None:
    """The interpreter that a script's first line names; None if there is none."""
    line = first_line(script)
    words = shlex.split(line.removeprefix("#!")) if line.startswith("#!") else []
    if words and Path(words[0]).name == "env":
        words = [word for word in words[1:] if not word.startswith("-")]
    found = shutil.which(words[0], path=environment.get("PATH")) if words else None
    return None if found is None else Path(found)


def check_shells(environment: Mapping[str, str]) -> Check:
    """Checks that ``mdsm`` is on PATH."""
    where = shutil.which("mdsm", path=environment.get("PATH"))
    if where is not None:
        return Check("mdsm on PATH", OK, where, required=False)
    return Check("mdsm on PATH", NOTE, "not on PATH", _how_to_call(environment), required=False)


def _how_to_call(environment: Mapping[str, str]) -> str:
    if environment.get("AMENT_PREFIX_PATH"):
        return "ros2 run mdsm_ros mdsm ..."
    beside = Path(sys.executable).parent / "mdsm"
    if beside.is_file():
        return f"{shlex.quote(str(beside))} ..."
    return f"{shlex.quote(sys.executable)} -m mdsm_ros.commands.main ..."


def _same(one: str | Path, other: str | Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other) if _is_folder(one) else Path(one) == Path(other)


def _is_folder(path: str | Path) -> bool:
    return Path(path).is_dir()


def _sees_system() -> bool:
    try:
        lines = Path(sys.prefix, "pyvenv.cfg").read_text(encoding="utf-8").lower().splitlines()
    except OSError:
        return True
    return any(line.replace(" ", "") == "include-system-site-packages=true" for line in lines)
