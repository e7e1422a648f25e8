"""Fields of a model's configuration that an evaluation changes, without a change of its weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import yaml

from mdsm_ros.errors import CommandError
from mdsm_ros.segmenter import Segmenter


def read_overrides(words: Sequence[str]) -> dict[str, Any]:
    """Reads words of the form NAME=VALUE, with values as in YAML.

    Raises:
        CommandError: A word has another form.
    """
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (equals and name.isidentifier()):
            raise CommandError(f"--set is {word!r}, expected NAME=VALUE")
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise CommandError(f"--set is {word!r}, expected NAME=VALUE: {error}") from error
    return found


@contextmanager
def overridden(segmenter: Segmenter, fields: Mapping[str, Any]) -> Iterator[None]:
    """Changes fields of the model's configuration while the context is open.

    Only what the model reads while it answers has an effect, such as ``start_timestep`` and ``sampler`` of MDSM.

    Raises:
        CommandError: A field is unknown.
        ConfigError: A value is out of range.
    """
    model: Any = segmenter.model
    before = model.config
    unknown = sorted(set(fields) - {field.name for field in dataclasses.fields(before)})
    if unknown:
        raise CommandError(f"--set names {unknown[0]!r}, expected a field of {type(before).__name__}")
    model.config = dataclasses.replace(before, **fields)
    try:
        yield
    finally:
        model.config = before
