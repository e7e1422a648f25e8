"""ROS 2: the environment, the client library, the middleware."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from mdsm_ros.commands.doctor.check import MISSING, NOTE, OK, WRONG, Check
from mdsm_ros.extras import EXTRAS, ROS, install_line, is_installed

DISTROS = ("humble", "jazzy", "kilted", "lyrical", "rolling")
HIGHEST_DOMAIN, SAFE_DOMAIN = 232, 101  # above the second, Linux may have assigned the ports to other programs
SHARED_MEMORY = 128 * 2**20  # bytes: two segments of config/fastdds_large_images.xml


def check_distro(environment: Mapping[str, str]) -> Check:
    """Checks which ROS 2 is sourced."""
    distro = environment.get("ROS_DISTRO", "")
    if not distro:
        if is_installed("rclpy"):
            return Check("ROS 2", OK, "no ROS installation is sourced; rclpy is a Python package")
        return Check("ROS 2", MISSING, "no ROS installation is sourced", _source_line())
    if distro not in DISTROS:
        detail = f"ROS_DISTRO is {distro!r}, expected one of {', '.join(DISTROS)}"
        return Check("ROS 2", WRONG, detail, _source_line())
    return Check("ROS 2", OK, distro)


def check_rclpy() -> Check:
    """Checks that the client library and the messages are installed for this Python."""
    missing = [module for module in EXTRAS[ROS] if not is_installed(module)]
    if missing:
        mend = f"{_source_line()}, or without a ROS installation: {install_line(ROS)}"
        return Check("rclpy and messages", MISSING, f"not found: {', '.join(missing)}", mend)
    spec = find_spec("rclpy")
    folder = Path(spec.origin).parent if spec is not None and spec.origin else Path()
    made_for = {
        match[1] for file in folder.glob("_rclpy_pybind11*.so") if (match := re.search(r"cpython-(\d+)", file.name))
    }
    own = f"{sys.version_info.major}{sys.version_info.minor}"
    if made_for and own not in made_for:
        versions = ", ".join(f"{tag[0]}.{tag[1:]}" for tag in sorted(made_for))
        detail = f"{folder} is made for Python {versions}, this is {own[0]}.{own[1:]}"
        return Check("rclpy and messages", WRONG, detail, f"make the virtual environment with python{versions}")
    return Check("rclpy and messages", OK, str(folder))


def check_middleware(environment: Mapping[str, str]) -> Check:
    """Checks that the chosen middleware is installed."""
    chosen = environment.get("RMW_IMPLEMENTATION", "")
    if not chosen:
        return Check("middleware", OK, "the default of the distribution (RMW_IMPLEMENTATION is not set)")
    index = Path("share", "ament_index", "resource_index", "rmw_typesupport")
    folders = [Path(prefix) / index for prefix in environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if prefix]
    installed = sorted({file.name for folder in folders if folder.is_dir() for file in folder.iterdir()})
    if installed and chosen not in installed:
        package = f"ros-{environment.get('ROS_DISTRO', 'DISTRO')}-{chosen.replace('_', '-')}"
        detail = f"RMW_IMPLEMENTATION is {chosen!r}, installed: {', '.join(installed)}"
        return Check("middleware", WRONG, detail, f"sudo apt install {package}, or: unset RMW_IMPLEMENTATION")
    return Check("middleware", OK, f"{chosen} (other nodes need the same)")


def check_domain(environment: Mapping[str, str]) -> Check:
    """Checks that nodes of this shell can reach others."""
    text = environment.get("ROS_DOMAIN_ID", "") or "0"
    if not text.isdecimal() or int(text) > HIGHEST_DOMAIN:
        detail = f"ROS_DOMAIN_ID is {text!r}, expected 0 to {HIGHEST_DOMAIN}"
        return Check("domain", WRONG, detail, "unset ROS_DOMAIN_ID")
    reach = ""
    if environment.get("ROS_LOCALHOST_ONLY") == "1":
        reach = "; ROS_LOCALHOST_ONLY is 1: other machines are not reached"
    elif environment.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET") != "SUBNET":
        reach = f"; ROS_AUTOMATIC_DISCOVERY_RANGE is {environment['ROS_AUTOMATIC_DISCOVERY_RANGE']}"
    if int(text) > SAFE_DOMAIN:
        return Check(
            "domain", NOTE, f"{text}{reach}; ports may be in use above {SAFE_DOMAIN}", "export ROS_DOMAIN_ID=42"
        )
    return Check("domain", OK, f"{text}{reach} (other nodes need the same)")


def check_shared_memory(folder: Path = Path("/dev/shm")) -> Check:
    """Checks that large images fit into shared memory."""
    try:
        size = shutil.disk_usage(folder).total
    except OSError:
        return Check("shared memory", NOTE, f"{folder} is not there", required=False)
    if size < SHARED_MEMORY:
        detail = f"{folder} holds {size / 2**20:.0f} MiB; large images need {SHARED_MEMORY / 2**20:.0f}"
        return Check("shared memory", NOTE, detail, "docker run --shm-size=256m ...", required=False)
    return Check("shared memory", OK, f"{size / 2**20:.0f} MiB", required=False)


def _source_line() -> str:
    found = sorted(path.parent.name for path in Path("/opt/ros").glob("*/setup.bash"))
    return f". /opt/ros/{found[-1] if found else 'DISTRO'}/setup.bash"
