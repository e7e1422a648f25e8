"""Saving and loading models in the Hugging Face layout.

A model is a folder or hub repository of config.json, model.safetensors, tokenizer and README.md. Weights may be split
into several files, listed in model.safetensors.index.json. Pickle is never read: foreign ``.pth`` files can run code
when loaded. Those of LAVT and VPD become such folders with ``mdsm convert``, which reads them as data alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from mdsm_ros.errors import NotHereError, StorageError, WeightsError
from mdsm_ros.files import PARTIAL, write_json
from mdsm_ros.foreign import check_depth, inside, read_json, shown
from mdsm_ros.hub.files import HUB_FILES

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
TOKENIZER_FILE = "tokenizer.json"
OWN_FILES = ("*.json", "*.safetensors", "*.onnx", "vocab.txt", "merges.txt")
"""The files that saving a model replaces; all other files in its folder stay."""


def resolve_folder(name: str | Path, *, revision: str | None = None, local_files_only: bool = False) -> Path:
    """Finds the folder of a model: a local folder, or the cached copy of a hub id, downloaded if necessary.

    Raises:
        NotHereError: The folder does not exist, and no such repository can be reached.
        WeightsError: The name is a file.
    """
    folder = Path(name)
    if folder.is_dir():
        return folder
    if folder.exists() or folder.is_absolute() or str(name).startswith("."):
        raise WeightsError(f"weights folder {str(name)!r} is not a folder")
    from huggingface_hub import snapshot_download  # a model in a folder needs no hub client

    from mdsm_ros.hub.client import HUB_ERRORS, advice

    try:
        return Path(
            snapshot_download(
                str(name), revision=revision, local_files_only=local_files_only, allow_patterns=list(HUB_FILES)
            )
        )
    except HUB_ERRORS as error:
        raise NotHereError(
            f"model {str(name)!r} is not a folder, not in the cache, and cannot be downloaded: "
            f"{advice(str(name), error)}"
        ) from error


def read_values(folder: Path) -> dict[str, Any]:
    """Reads config.json without checking its fields.

    Raises:
        WeightsError: The file is missing, or is not a JSON object.
    """
    path = folder / CONFIG_FILE
    values = read_json(path, WeightsError, "a model's configuration")
    if not isinstance(values, dict):
        raise WeightsError(f"{path} holds {type(values).__name__}, expected a JSON object")
    check_depth(values, str(path), WeightsError)
    return values


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Reads model.safetensors, or the files that its index names, as float32.

    Raises:
        WeightsError: A file is missing or is not a safetensors file.
    """
    state: dict[str, torch.Tensor] = {}
    for path in weight_files(folder):
        found = read_safetensors(path)
        twice = sorted(set(found) & set(state))
        if twice:
            raise WeightsError(f"{path} holds {shown(twice[0])}, which another file of the model also contains")
        state.update(found)
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file by name.

    Raises:
        WeightsError: The file is damaged, or is not a safetensors file.
    """
    from safetensors.torch import load_file  # imports PyTorch

    try:
        return load_file(path)
    except Exception as error:  # a damaged header fails in many ways
        raise WeightsError(f"{path} is not a readable safetensors file (a pickle, or damaged): {error}") from error


def weight_files(folder: Path) -> list[Path]:
    """The files of a model's weights.

    Raises:
        WeightsError: There are none, or a file named in the index is missing.
    """
    path, index = folder / WEIGHTS_FILE, folder / INDEX_FILE
    if path.is_file():
        return [path]
    if not index.is_file():
        others = sorted(p.name for p in folder.glob("*") if p.suffix in {".bin", ".pt", ".pth", ".ckpt"})
        hint = f"; {others[0]} is a pickle and is not read" if others else ""
        raise WeightsError(f"{path} is missing, expected the model's weights{hint}")
    content = read_json(index, WeightsError, "an index of weights")
    names = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(names, dict) or not names or not all(isinstance(name, str) for name in names.values()):
        raise WeightsError(f"{index} names no files of weights, expected 'weight_map' from tensors to file names")
    files = [inside(folder, name, WeightsError) for name in sorted(set(names.values()))]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise WeightsError(f"{missing[0]} is missing, which {INDEX_FILE} names")
    return files


def read_tokenizer(folder: Path, tokenizer_type: type[PreTrainedTokenizerFast]) -> Any:
    """Reads tokenizer.json.

    Raises:
        WeightsError: The file is missing or is not a tokenizer.
    """
    if not (folder / TOKENIZER_FILE).is_file():  # transformers would make up an empty one
        raise WeightsError(f"{folder / TOKENIZER_FILE} is missing, expected the model's tokenizer")
    try:
        return tokenizer_type.from_pretrained(folder, local_files_only=True)
    except BaseException as error:  # tokenizers raises no narrower type, and panics with its own
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise WeightsError(f"{folder / TOKENIZER_FILE} is not a readable tokenizer: {error}") from error


def write_model(
    folder: Path, state: Mapping[str, torch.Tensor], values: Mapping[str, Any], tokenizer: PreTrainedTokenizerFast
) -> None:
    """Writes a model's weights as half-precision safetensors, its configuration and its tokenizer.

    Args:
        folder: Folder to write. It must exist.
        state: Weights by parameter name.
        values: Configuration as JSON-compatible values.
        tokenizer: Tokenizer of the model.

    Raises:
        WeightsError: A weight is not finite in half precision.
        StorageError: The disk is full, or the folder cannot be written.
    """
    from huggingface_hub import save_torch_state_dict

    halves = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    for name, tensor in halves.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise WeightsError(
                f"{name} has values that are not finite or beyond 65504, expected values that half precision can "
                f"represent"
            )
    try:
        save_torch_state_dict({name: tensor.contiguous().cpu() for name, tensor in halves.items()}, folder)
        give_usual_mode(folder)
        write_json(folder / CONFIG_FILE, dict(values), indent=2)
    except (OSError, SafetensorError) as error:
        raise StorageError(f"model folder {folder} cannot be written: {error}") from error
    write_tokenizer(folder, tokenizer)


def give_usual_mode(folder: Path) -> None:
    """Gives the weights in a folder the mode of any new file; safetensors writes them for their owner alone.

    Raises:
        OSError: The folder cannot be written.
    """
    new = folder / f"mode{PARTIAL}"  # the umask can only be read by setting it, for all threads
    new.touch()
    mode = new.stat().st_mode
    new.unlink()
    for path in folder.rglob("*.safetensors"):
        path.chmod(mode)


def write_tokenizer(folder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """Writes a tokenizer.

    Args:
        folder: Folder to write. It must exist.
        tokenizer: Tokenizer to write.

    Raises:
        StorageError: The disk is full, or the folder cannot be written.
    """
    try:
        tokenizer.save_pretrained(folder)
    except Exception as error:  # tokenizers raises no narrower one
        raise StorageError(f"tokenizer in folder {folder} cannot be written: {error}") from error
