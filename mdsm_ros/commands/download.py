"""Downloads public weights into the cache."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("name", metavar="NAME", help="name of a model (mdsm models lists them), or a hub id")
    parser.add_argument("--revision", help="branch, tag or commit (default: main)")


def run(args: argparse.Namespace) -> int:
    """Downloads missing files and prints their folder."""
    from mdsm_ros.checkpoints.download import download, find_repositories

    for repository in find_repositories(args.name, args.revision):
        print(f"{repository.name}: {download(repository)}")
    return 0
