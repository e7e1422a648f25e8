"""Model cards: the header of README.md, which the hub reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mdsm_ros.errors import WeightsError

CARD_FILE = "README.md"


def card_header(folder: Path) -> dict[str, Any]:
    """Reads the header of a model's card; empty if the card has none.

    Raises:
        WeightsError: There is no card, or its header is not YAML.
    """
    from huggingface_hub.repocard import metadata_load

    path = folder / CARD_FILE
    if not path.is_file():
        raise WeightsError(f"{path} is missing, expected the model's card")
    try:
        return dict(metadata_load(path) or {})
    except Exception as error:  # YAML's errors, and those of text that is not UTF-8
        raise WeightsError(f"{path} has no readable header, expected YAML between two lines of ---: {error}") from error


def licence_of(folder: Path) -> str | None:
    """The licence that a model's card names; None without a card or a licence."""
    try:
        licence = card_header(folder).get("license")
    except WeightsError:
        return None
    return licence if isinstance(licence, str) and licence.strip() else None
