"""Atomic writing of model folders."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from huggingface_hub import PyTorchModelHubMixin

from mdsm_ros.files import link_or_copy, whole_folder
from mdsm_ros.hub.folder import OWN_FILES


class WholeFolders(PyTorchModelHubMixin):
    """Saves a model so that its folder is complete or unchanged, even if the process is killed."""

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> str | None:
        """Writes the model's folder; see :class:`huggingface_hub.PyTorchModelHubMixin`.

        Files that are not part of a model, such as README.md, stay.

        Raises:
            WeightsError: A weight is not finite in half precision; the folder is unchanged.
            StorageError: The disk is full, or the folder cannot be written; the folder is unchanged.
        """
        folder = Path(save_directory)
        if options.get("push_to_hub"):
            options.setdefault("repo_id", folder.name)
        with whole_folder(folder) as partial:
            for path in folder.iterdir():
                if path.is_dir():
                    shutil.copytree(path, partial / path.name)
                elif not any(path.match(pattern) for pattern in OWN_FILES):
                    link_or_copy(path, partial / path.name)
            return super().save_pretrained(partial, **options)
