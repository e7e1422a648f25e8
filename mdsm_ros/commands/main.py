"""The ``mdsm`` command. A new command is a module and a line in this table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from mdsm_ros.commands.runner import run_commands

DESCRIPTION = "The pixels of the object that a sentence talks about."
COMMANDS = {  # modules with add_arguments() and run()
    "segment": ("mdsm_ros.commands.segment.command", "answer one instruction about images, videos or a camera"),
    "attention": ("mdsm_ros.commands.attention.command", "show where a model looks for each word of an instruction"),
    "web": ("mdsm_ros.commands.web.command", "a local page to try a model, watch a node, label frames"),
    "demo": ("mdsm_ros.commands.demo", "replay a recording through the node (needs ROS), or answer photographs"),
    "replay": ("mdsm_ros.commands.replay", "evaluate a model on a recording"),
    "learn": ("training.learn.command", "from a recording of a place to a model that is better there"),
    "sim": ("mdsm_ros.commands.sim", "a simulated home as a live camera for the node; needs ROS and MuJoCo"),
    "bench": ("mdsm_ros.commands.bench.command", "measure the latency of a model on this machine"),
    "convert": ("mdsm_ros.commands.convert", "make a model from an official LAVT or VPD checkpoint"),
    "export": ("mdsm_ros.commands.export.command", "write a model as ONNX graphs"),
    "models": ("mdsm_ros.commands.models", "list all named models, and which are on this machine"),
    "doctor": ("mdsm_ros.commands.doctor.command", "report problems of this installation, and how to fix them"),
    "push": ("mdsm_ros.commands.push.command", "upload a model folder to the Hugging Face hub"),
    "download": ("mdsm_ros.commands.download", "download public weights into the cache"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code, 2 for errors that the user can correct."""
    return run_commands("mdsm", DESCRIPTION, COMMANDS, argv, _add_options)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="show the version and exit")


class _ShowVersion(argparse.Action):
    """Like argparse's own action, but looks up the version only if requested."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("mdsm_ros")
        except PackageNotFoundError:  # run from a source tree that is not installed
            number = "(not installed)"
        print(f"mdsm_ros {number}")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
