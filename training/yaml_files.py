"""Reading YAML files of others: plain values only, and none that stand for far more than was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mdsm_ros.errors import MdsmError
from mdsm_ros.foreign import MAX_DEPTH, check_depth

MAX_YAML = 1 << 22  # bytes
MAX_VALUES = 100_000  # with what aliases repeat


def read_yaml(path: Path, error: type[MdsmError], what: str) -> Any:
    """Reads a YAML file.

    Args:
        path: Path of the file.
        error: Class of the error to raise.
        what: Was expected there, for the message about a missing file.

    Raises:
        MdsmError: of that class, where the file is missing, too large, no YAML, or its aliases repeat too much.
    """
    try:
        size = path.stat().st_size
        if size > MAX_YAML:
            raise error(f"{path} has {size} bytes, expected at most {MAX_YAML}")
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, yaml.SafeLoader)
        if node is None:
            return None
        number = _values(node, {}, frozenset(), 0)
        if number > MAX_VALUES:
            raise error(f"{path} stands for {number} values by its aliases, expected at most {MAX_VALUES}")
        content = yaml.safe_load(text)
    except FileNotFoundError as fault:
        raise error(f"{path} is missing, expected {what}") from fault
    except MdsmError:
        raise
    except RecursionError:
        raise error(f"{path} nests its values too deep, expected at most {MAX_DEPTH} inside each other") from None
    except Exception as fault:  # of YAML, and of dates and numbers that are none
        raise error(f"{path} is not YAML: {str(fault)[:500]}") from fault
    check_depth(content, str(path), error)
    return content


def _values(node: yaml.Node, known: dict[int, int], above: frozenset[int], depth: int) -> int:
    """How many values a node stands for, each alias counted as what it repeats.

    Raises:
        ValueError: A value holds itself.
        RecursionError: Values are nested too deep.
    """
    if id(node) in above:
        raise ValueError("a value holds itself")
    if depth > MAX_DEPTH:
        raise RecursionError
    if id(node) not in known:
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            inner = list(node.value)
        elif isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        deeper = above | {id(node)}
        known[id(node)] = 1 + sum(_values(part, known, deeper, depth + 1) for part in inner)
    return known[id(node)]
