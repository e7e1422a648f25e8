"""Makes a model of an official LAVT or VPD checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path

from mdsm_ros.errors import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("checkpoint", type=Path, help=".pth file; it is read as data and cannot run code")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; --model takes it then")
    parser.add_argument("--type", choices=("lavt", "vpd"), help="type of the checkpoint (default: by its content)")
    parser.add_argument(
        "--tokenizer",
        metavar="NAME",
        help="hub id or folder of the tokenizer, for VPD of CLIP's text encoder as well (default: the public ones)",
    )


def run(args: argparse.Namespace) -> int:
    """Writes the model folder and says what became of the checkpoint."""
    if not args.checkpoint.is_file():
        raise CommandError(f"checkpoint is {str(args.checkpoint)!r}, expected a file")
    try:
        from mdsm_ros.checkpoints.convert.run import convert
    except ModuleNotFoundError:
        raise
    except ImportError as error:  # before, its weights_only could be made to run code (CVE-2025-32434)
        raise CommandError(f"{error}; mdsm convert needs PyTorch 2.6 or newer") from error
    print(convert(args.checkpoint, args.out, kind=args.type, language=args.tokenizer))
    return 0
