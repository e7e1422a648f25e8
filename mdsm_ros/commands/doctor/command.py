"""Reports the problems of this installation, and for each the command that fixes it.

Imports only Python's standard library, so that it runs even if everything else is missing. The exit code is 0 if
everything that the purpose needs is installed, else 1.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import asdict

from mdsm_ros.commands.doctor import interpreter, machine, packages, ros
from mdsm_ros.commands.doctor.check import MISSING, NOTE, OK, WRONG, Check
from mdsm_ros.extras import BASE, EXTRAS, ROS

PURPOSES: dict[str, tuple[str, ...]] = {
    "python": (),
    "node": (ROS,),
    "demo": (ROS, "video"),
    "sim": (ROS, "sim"),
    "data": ("sim", "data"),
    "train": ("data", "train"),
}
"""The extras that each purpose needs."""
MARKS = {OK: "ok  ", NOTE: "note", MISSING: "MISS", WRONG: "BAD "}
OPTIONAL_MARK = "-   "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "--for",
        dest="purpose",
        choices=PURPOSES,
        default="node",
        help="purpose of the installation; python: the Segmenter and mdsm segment, without ROS (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints the findings; returns 1 if a needed part is missing or wrong."""
    checks = examine(args.purpose, os.environ)
    faults = [check for check in checks if check.is_fault]
    if args.json:
        findings = [asdict(check) for check in checks]
        print(json.dumps({"purpose": args.purpose, "ok": not faults, "checks": findings}, indent=2))
    else:
        print(as_text(checks))
        names = ", ".join(check.name for check in faults)
        print(f"\nall that '{args.purpose}' needs is here" if not faults else f"\nto be mended: {names}")
    return 1 if faults else 0


def examine(purpose: str, environment: Mapping[str, str]) -> list[Check]:
    """All findings.

    Args:
        purpose: One of :data:`PURPOSES`.
        environment: Environment variables.
    """
    needed = PURPOSES[purpose]
    checks = [
        interpreter.check_python(),
        interpreter.check_venv(environment),
        interpreter.check_executable(environment),
        interpreter.check_shells(environment),
        packages.check_extra(BASE, required=True),
        packages.check_torch(),
        packages.check_numpy(),
        packages.check_weights(),
    ]
    if ROS in needed:
        checks += [
            ros.check_distro(environment),
            ros.check_rclpy(),
            ros.check_middleware(environment),
            ros.check_domain(environment),
            ros.check_shared_memory(),
        ]
    checks += [packages.check_extra(extra, required=extra in needed) for extra in EXTRAS if extra not in (BASE, ROS)]
    checks += machine.check_folders(environment)
    checks.append(machine.check_drawing(environment, required="sim" in needed))
    return checks


def as_text(checks: list[Check]) -> str:
    """A line for each finding, and one below it if there is a fix."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        optional = check.state in (MISSING, WRONG) and not check.required
        lines.append(f"{OPTIONAL_MARK if optional else MARKS[check.state]}  {check.name:{width}}  {check.detail}")
        if check.mend:
            lines.append(f"{'':{width + 8}}-> {check.mend}")
    return "\n".join(lines)
