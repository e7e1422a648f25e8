"""Gives damaged files to every reader of foreign files; the only thing that may happen is an MdsmError.

    PYTHONPATH=. python scripts/fuzz_readers.py --inputs 5000 --seed 0
    PYTHONPATH=. python scripts/fuzz_readers.py --inputs 1 --seed 4711 --reader pth   # one of them again

Exit code 1 where a reader raised something else or took longer than --seconds for one file.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from mdsm_ros.errors import MdsmError

ROOT = Path(__file__).resolve().parent.parent


def fuzz(reader: Any, name: str, inputs: int, seed: int, slow: float, folder: Path) -> tuple[Counter[str], float]:
    """How the reads ended, and the longest one in seconds."""
    ends, longest = Counter[str](), 0.0
    content = reader.seed()
    reader.read(content, folder / "sound")  # the sound file is read without any error
    for number in range(seed, seed + inputs):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        damaged = reader.mutate(content, random.Random(f"{name} {number}"))
        begin = time.perf_counter()
        try:
            reader.read(damaged, folder)
            ends["read"] += 1
        except MdsmError as error:
            ends[type(error).__name__] += 1
        except Exception:
            ends["FAULT"] += 1
            print(f"{name}, seed {number}:\n{traceback.format_exc(limit=-3)}", flush=True)
        took = time.perf_counter() - begin
        longest = max(longest, took)
        if took > slow:
            ends["SLOW"] += 1
            print(f"{name}, seed {number}: {took:.1f} s", flush=True)
    return ends, longest


def main() -> int:
    """Entry point."""
    sys.path[:0] = [str(ROOT / "test")]
    from foreign_readers import READERS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1000, help="files for each reader (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the first file; the next has the next")
    parser.add_argument("--reader", nargs="+", choices=READERS, default=list(READERS), help="only these")
    parser.add_argument("--seconds", type=float, default=20.0, help="that a file may take (default: %(default)s)")
    args = parser.parse_args()
    faulthandler.enable()
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        for name in args.reader:
            (Path(scratch) / "one" / "sound").mkdir(parents=True)
            ends, longest = fuzz(READERS[name], name, args.inputs, args.seed, args.seconds, Path(scratch) / "one")
            shutil.rmtree(Path(scratch) / "one")
            print(f"{name}: {dict(ends.most_common())}, longest {longest:.2f} s", flush=True)
            total += ends
    faults = total["FAULT"] + total["SLOW"]
    print(f"{args.inputs * len(args.reader)} files, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
