"""All models by name, and whether their weights are on this machine. Imports no heavy library."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import constants

from mdsm_ros.models.families import families, trained_families
from mdsm_ros.models.family import Entry, Repository


def catalog() -> dict[str, Entry]:
    """All named entries: the models, then the public weights from which training starts.

    Sizes and licences come from the repositories' pages, or follow from the number of parameters.
    """
    models = {name: entry for family in families() for name, entry in family.entries.items()}
    return models | {name: entry for family in trained_families() for name, entry in family.origins.items()}


def is_cached(repository: Repository) -> bool:
    """Whether all files of a repository are on this machine; uses no network."""
    if not (Path(constants.HF_HUB_CACHE) / f"models--{repository.name.replace('/', '--')}").is_dir():
        return False  # without importing the hub's client
    from huggingface_hub import snapshot_download

    from mdsm_ros.hub.client import HUB_ERRORS

    try:
        snapshot_download(
            repository.name,
            revision=repository.revision,
            allow_patterns=list(repository.files),
            local_files_only=True,
        )
    except HUB_ERRORS:
        return False
    return True


def state(entry: Entry) -> str:
    """The place of a model's weights: "embedded" in this package, "cached", or "not here"."""
    if not entry.repositories:
        return "embedded"
    return "cached" if all(is_cached(repository) for repository in entry.repositories) else "not here"


def catalog_markdown() -> str:
    """The table of models in ``docs/models.md``."""
    lines = ["| name | what it is | weights | weights' licence | download | gated |", "|---" * 6 + "|"]
    for name, entry in catalog().items():
        sources = ", ".join(f"[{r.name}](https://huggingface.co/{r.name})" for r in entry.repositories)
        download = f"~{entry.megabytes} MB" if entry.repositories else "none"
        gated = "yes" if entry.gated else "no"
        row = (f"`{name}`", entry.what, sources or "embedded", entry.licence, download, gated)
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def table() -> str:
    """The catalog as text, with the state of each entry on this machine."""
    rows = [("NAME", "HERE", "SIZE", "LICENCE", "GATED", "WHAT", "FROM")]
    for name, entry in catalog().items():
        size = f"~{entry.megabytes} MB" if entry.repositories else "-"
        source = " + ".join(repository.name for repository in entry.repositories) or "this package"
        rows.append((name, state(entry), size, entry.licence, "yes" if entry.gated else "no", entry.what, source))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
