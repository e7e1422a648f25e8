"""Downloads public weights into the cache of huggingface_hub, where every model of this package finds them.

The client keeps finished files, resumes at the byte where a connection broke, and checks sizes. It checks contents only
if the hub stores a file by its hash (Xet). So this module compares the hub's checksums afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download

from mdsm_ros.checkpoints.catalog import catalog
from mdsm_ros.errors import DownloadError
from mdsm_ros.hub.client import HUB_ERRORS, advice
from mdsm_ros.models.family import Repository


def find_repositories(name: str, revision: str | None = None) -> tuple[Repository, ...]:
    """The repositories of a named model, or the repository of a hub id.

    Args:
        name: Name in the catalog, or OWNER/NAME.
        revision: Revision that replaces the catalog's.

    Raises:
        DownloadError: The name is unknown, needs no download, or has several repositories but one revision was given.
    """
    entries = catalog()
    if name in entries:
        repositories = entries[name].repositories
        if not repositories:
            raise DownloadError(f"{name} comes with this package, there is nothing to download")
    elif "/" in name:
        repositories = (Repository(name),)
    else:
        names = ", ".join(name for name, entry in entries.items() if entry.repositories)
        raise DownloadError(f"model is {name!r}, expected OWNER/NAME on the hub or one of {names}")
    if revision is None:
        return repositories
    if len(repositories) > 1:
        parts = " and ".join(repository.name for repository in repositories)
        raise DownloadError(f"{name} has no revision of its own; download {parts} by themselves")
    return (replace(repositories[0], revision=revision),)


def download(repository: Repository) -> Path:
    """Downloads missing files and compares checksums; returns the folder in the cache.

    Raises:
        DownloadError: The hub refuses or fails, or a file is damaged and was removed from the cache.
    """
    name = repository.name
    try:
        folder = Path(snapshot_download(name, revision=repository.revision, allow_patterns=list(repository.files)))
    except HUB_ERRORS as error:
        raise DownloadError(f"{name} cannot be downloaded: {advice(name, error)}") from error
    try:
        damaged = HfApi().verify_repo_checksums(name, revision=folder.name).mismatches
    except HUB_ERRORS as error:
        raise DownloadError(f"{name} is in the cache, but cannot be checked: {advice(name, error)}") from error
    for mismatch in damaged:
        path = folder / mismatch["path"]
        path.resolve().unlink(missing_ok=True)  # the blob that the snapshot links to
        path.unlink(missing_ok=True)
    if damaged:
        files = ", ".join(mismatch["path"] for mismatch in damaged)
        raise DownloadError(f"{name}: {files} arrived damaged (wrong checksum) and was removed; try again")
    if not any(folder.rglob("*.safetensors")):
        raise DownloadError(f"{name} has no .safetensors file in this revision; pickles are not downloaded")
    return folder
