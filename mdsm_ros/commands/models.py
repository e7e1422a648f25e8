"""Lists all named models, and which are on this machine."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares no options."""


def run(_: argparse.Namespace) -> int:
    """Prints the table."""
    from mdsm_ros.checkpoints.catalog import table

    print(table())
    return 0
