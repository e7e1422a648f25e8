"""Fields of a model's configuration that an evaluation changes, without a change of its weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from mdsm_ros.checkpoints.pretrained import make_model
from mdsm_ros.errors import CommandError
from mdsm_ros.models.config import PublicConfig
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


def overridden(segmenter: Segmenter, fields: Mapping[str, Any]) -> Segmenter:
    """A segmenter with the same weights whose model's configuration has some other fields.

    The network is built anew, so that every field has the effect that it has in a model's folder.

    Raises:
        CommandError: A field is unknown or has no effect on answers, a value is out of range, or the weights do not fit
            it.
    """
    if not fields:
        return segmenter
    model: Any = segmenter.model
    known = {field.name for field in dataclasses.fields(model.config)}
    unknown = sorted(set(fields) - known)
    if unknown:
        raise CommandError(f"--set names {unknown[0]!r}, expected a field of {type(model.config).__name__}")
    if isinstance(model.config, PublicConfig):
        raise CommandError(f"--set is for models that this package trains, but {segmenter.name} is a public one")
    for name in model.config.idle_fields & fields.keys():
        raise CommandError(
            f"--set is {name}={fields[name]}, expected a field that answers of {segmenter.name} depend on"
        )
    words = ", ".join(f"{name}={value}" for name, value in fields.items())
    try:
        changed = make_model(dataclasses.replace(model.config, **fields), model.tokenizer)
        changed.load_state_dict(model.state_dict())
    except Exception as error:  # a network raises many types for foreign sizes
        raise CommandError(f"--set is {words}, which does not fit the weights of {segmenter.name}: {error}") from error
    return Segmenter(changed.eval(), segmenter.name, segmenter.device)
