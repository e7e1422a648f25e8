"""Uploads a model folder with its card to the Hugging Face hub.

A new repository is private, so that a model of your rooms is not published by mistake: --public makes it public. The
model is checked first: configuration, weights, card and its licence. Only files of a model are uploaded, never pickles
or checkpoints of a training. Log in once with: hf auth login
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mdsm_ros.errors import CommandError

if TYPE_CHECKING:
    from mdsm_ros.hub.upload import ModelFiles

HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("folder", type=Path, help="folder of the model, for example runs/kitchen/model")
    parser.add_argument("repository", help="hub id OWNER/NAME; the repository is created if it does not exist")
    parser.add_argument("--public", action="store_true", help="make a new repository public (default: private)")
    parser.add_argument("--revision", metavar="BRANCH", help="branch of the repository (default: main)")
    parser.add_argument("--message", default="Upload a model", help="message of the commit (default: %(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="check the model and list its files, upload nothing")


def run(args: argparse.Namespace) -> int:
    """Checks the model, lists its files and uploads them; returns the exit code."""
    if not HUB_ID.fullmatch(args.repository):
        raise CommandError(f"repository is {args.repository!r}, expected a hub id OWNER/NAME")
    from huggingface_hub import constants

    from mdsm_ros.checkpoints.pretrained import check_config
    from mdsm_ros.hub.upload import model_files, upload

    files = model_files(args.folder)
    check_config(args.folder)
    visibility = "public" if args.public else "private"
    branch = args.revision or "main"
    print(f"{args.repository} on {constants.ENDPOINT}, branch {branch}, {visibility} if it is new")
    print(_listing(files))
    if args.dry_run:
        print("nothing was uploaded (--dry-run)")
        return 0
    address = upload(files, args.repository, public=args.public, revision=args.revision, message=args.message)
    print(f"uploaded: {address}")
    print(f"use it with model:={args.repository}")
    return 0


def _listing(files: ModelFiles) -> str:
    sizes = files.sizes
    lines = [f"  {name}  {_readable(size)}" for name, size in sizes.items()]
    lines.append(f"{len(sizes)} files, {_readable(sum(sizes.values()))}, licence {files.licence}")
    if files.left_out:
        lines.append(f"left out: {', '.join(files.left_out)}")
    return "\n".join(lines)


def _readable(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
