"""Steps that run once: each writes its result completely, with a mark that records its inputs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mdsm_ros.errors import CommandError, DatasetError, StorageError
from mdsm_ros.files import short_hash, to_json, write_json
from mdsm_ros.foreign import read_json

MARKS = "steps"
LOCK_FILE = ".learn.lock"

Facts = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        name: Name of the step.
        inputs: Inputs of the step, other than the results of earlier steps.
        work: Function that makes the result; returns facts for the report, JSON-ready.
    """

    name: str
    inputs: Mapping[str, Any]
    work: Callable[[], Facts]


def run_steps(out: Path, steps: Sequence[Step]) -> dict[str, Facts]:
    """Runs the steps that are not done yet, in order; a step with changed inputs is run again.

    Args:
        out: Folder of the results.
        steps: Steps, each of which may use the results of those before it.

    Returns:
        Facts of each step by its name, with "seconds" and "cpu seconds".

    Raises:
        CommandError: Another run works in the folder.
        StorageError: The disk is full, or the folder cannot be written.
        MdsmError: A step failed.
    """
    with _alone_in(out):
        return _run_steps(out, steps)


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Keeps other runs out of the folder: each would remove what the other one writes."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / LOCK_FILE)
        lock.acquire(timeout=0)
    except Timeout:
        raise CommandError(f"--out is {str(out)!r}, where another run works, expected one at a time") from None
    except OSError as error:
        raise StorageError(f"results cannot be written to {str(out)!r}: {error}") from error
    try:
        yield
    finally:
        lock.release()


def _run_steps(out: Path, steps: Sequence[Step]) -> dict[str, Facts]:
    found: dict[str, Facts] = {}
    key = ""
    for number, step in enumerate(steps, start=1):
        key = short_hash(key + step.name + to_json(dict(step.inputs), sort_keys=True))
        path = out / MARKS / f"{step.name}.json"
        mark = read_mark(path)
        title = f"step {number} of {len(steps)}, {step.name}"
        if mark is not None and mark.get("key") == key:
            found[step.name] = mark["facts"]
            print(f"{title}: done before", file=sys.stderr)
            continue
        print(f"{title}{'' if mark is None else ' (again: what it is made from has changed)'} ...", file=sys.stderr)
        found[step.name] = _work(step, path, key)
    return found


def _work(step: Step, path: Path, key: str) -> Facts:
    began, used = time.monotonic(), time.process_time()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # the result is invalid while it is overwritten
        facts = step.work()
        facts["seconds"] = round(time.monotonic() - began, 1)
        facts["cpu seconds"] = round(time.process_time() - used, 1)
        write_json(path, {"key": key, "facts": facts}, indent=2)
    except OSError as error:
        raise StorageError(f"{step.name} cannot be written to {path.parent.parent}: {error}") from error
    shown = ", ".join(f"{name} {value}" for name, value in facts.items() if not isinstance(value, dict | list))
    print(f"  {shown}", file=sys.stderr)
    return facts


def read_mark(path: Path) -> dict[str, Any] | None:
    """Reads the mark of a finished step; None if it is not finished."""
    try:
        content = read_json(path, DatasetError, "a step")
    except DatasetError:  # absent, or damaged by a power cut
        return None
    whole = isinstance(content, dict) and isinstance(content.get("facts"), dict)
    return content if whole else None
