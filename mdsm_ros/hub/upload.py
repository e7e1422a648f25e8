"""Uploads model folders to the Hugging Face hub."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mdsm_ros.errors import UploadError, WeightsError
from mdsm_ros.hub.card import CARD_FILE, card_header, licence_of
from mdsm_ros.hub.files import HUB_FILES
from mdsm_ros.hub.folder import CONFIG_FILE, read_values, weight_files

LICENCE_FILES = ("LICENSE*", "LICENCE*", "NOTICE*")
REPLACED = ("*.safetensors", "*.safetensors.index.json")  # in the repository; a new version may have other parts
UNKNOWN_LICENCES = ("unknown", "[more information needed]")


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model that are uploaded.

    Attributes:
        folder: Folder of the model.
        names: Names of the files relative to the folder.
        left_out: Names of the other files, such as pickles and checkpoints.
        licence: Licence in the header of the card.
    """

    folder: Path
    names: tuple[str, ...]
    left_out: tuple[str, ...]
    licence: str

    @property
    def sizes(self) -> dict[str, int]:
        """Size of each file in bytes."""
        return {name: (self.folder / name).stat().st_size for name in self.names}


def model_files(folder: Path) -> ModelFiles:
    """Finds the files of a model and checks that it is complete: configuration, weights, card and licence.

    Raises:
        WeightsError: Something is missing or damaged.
    """
    if not folder.is_dir():
        raise WeightsError(f"model {str(folder)!r} is not a folder, expected one such as runs/kitchen/model")
    for network in _networks(folder, read_values(folder)) or [folder]:
        for path in weight_files(network):
            _expect_readable(path)
    card_header(folder)
    licence = licence_of(folder)
    if licence is None or licence.lower() in UNKNOWN_LICENCES:
        raise WeightsError(
            f"{folder / CARD_FILE} names no licence, expected a line such as 'license: apache-2.0' in its header"
        )
    names = sorted(path.relative_to(folder).as_posix() for path in _visible(folder))
    wanted = tuple(name for name in names if _is_wanted(name))
    return ModelFiles(folder, wanted, tuple(name for name in names if not _is_wanted(name)), licence)


def upload(files: ModelFiles, repository: str, *, public: bool, revision: str | None, message: str) -> str:
    """Uploads a model in one commit, and creates the repository if it does not exist; returns the commit's address.

    The visibility of a repository that exists stays. Files of an earlier version of the model are removed.

    Args:
        files: Files of the model.
        repository: Hub id, OWNER/NAME.
        public: Whether a new repository is public; otherwise only its owners see it.
        revision: Branch; None for the main branch.
        message: Message of the commit.

    Raises:
        UploadError: The hub refuses the upload, or cannot be reached.
    """
    from huggingface_hub import HfApi

    from mdsm_ros.hub.client import HUB_ERRORS, upload_advice

    api = HfApi(library_name="mdsm_ros")
    refusals: tuple[type[Exception], ...] = (
        *HUB_ERRORS,
        RuntimeError,
        ValueError,
    )  # the latter two for refused files and headers
    try:
        api.create_repo(repository, private=not public, exist_ok=True)
        if revision is not None:
            api.create_branch(repository, branch=revision, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository,
            folder_path=files.folder,
            allow_patterns=list(map(_escaped, files.names)),
            delete_patterns=list(REPLACED),
            revision=revision,
            commit_message=message,
        )
    except refusals as error:
        raise UploadError(f"{repository} cannot be uploaded: {upload_advice(repository, error)}") from error
    return str(commit.commit_url)


def _networks(folder: Path, values: dict[str, object]) -> list[Path]:
    """The subfolders of a fine-tuned public model, which its configuration names."""
    return [folder / value for value in values.values() if isinstance(value, str) and _has_config(folder / value)]


def _has_config(folder: Path) -> bool:
    return (folder / CONFIG_FILE).is_file()


def _expect_readable(path: Path) -> None:
    """Reads the header of a file of weights, which also says how long the file must be."""
    from safetensors import safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            empty = not file.keys()
    except Exception as error:  # a damaged header fails in many ways
        raise WeightsError(f"{path} is not a readable safetensors file: {error}") from error
    if empty:
        raise WeightsError(f"{path} holds 0 tensors, expected the model's weights")


def _visible(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def _is_wanted(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name.rpartition("/")[2], pattern) for pattern in (*HUB_FILES, *LICENCE_FILES))


def _escaped(name: str) -> str:
    """A pattern that fits only this name."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
