"""Makes a model from an official LAVT or VPD checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path

from mdsm_ros.errors import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("checkpoint", type=Path, help=".pth file; it is read as data only and cannot run code")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; pass it to --model afterwards")
    parser.add_argument(
        "--type", choices=("lavt", "vpd"), help="type of the checkpoint (default: inferred from its content)"
    )
    parser.add_argument(
        "--tokenizer",
        metavar="NAME",
        help="hub id or folder of the tokenizer, and for VPD of CLIP's text encoder (default: the public ones)",
    )


def run(args: argparse.Namespace) -> int:
    """Writes the model folder and describes the model."""
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
