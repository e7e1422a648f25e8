"""The ``mdsm-data`` command: making and looking at data sets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from mdsm_ros.annotations import DatasetError
from mdsm_ros.demo import make_bag
from training import contact_sheet, generate_homes

USER_ERROR = 2
COMMANDS = {
    "homes": (generate_homes, "write a data set of procedural homes"),
    "sheet": (contact_sheet, "draw pictures, masks and instructions of a data set on one sheet"),
    "demo-bag": (make_bag, "record the bag that the demo replays"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand; returns the exit code, 2 for anything the user can put right."""
    parser = argparse.ArgumentParser(prog="mdsm-data", description="Make data sets, and look at them.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args) or 0)
    except (DatasetError, OSError) as error:
        print(f"mdsm-data: error: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
