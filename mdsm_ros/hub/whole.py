"""Model folders that are there as a whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from huggingface_hub import PyTorchModelHubMixin

from mdsm_ros.files import link_or_copy, whole_folder
from mdsm_ros.hub.folder import OWN_FILES


class WholeFolders(PyTorchModelHubMixin):
    """Saves a model so that its folder is there as a whole or as it was before, whenever the process is killed."""

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> str | None:
        """Writes the model's folder; see :class:`huggingface_hub.PyTorchModelHubMixin`.

        Files that belong to no model, a README.md among them, stay.

        Raises:
            WeightsError: a weight is not finite in half precision; the folder is as it was before.
            StorageError: the disk is full, or the folder cannot be written; likewise.
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
