"""``python -m training.train.embed``: copies a trained model into the package, in small files."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from huggingface_hub import save_torch_state_dict

from mdsm_ros.checkpoints.pretrained import EMBEDDED_WEIGHTS, read_config
from mdsm_ros.errors import MdsmError, WeightsError
from mdsm_ros.files import whole_folder
from mdsm_ros.hub.folder import CONFIG_FILE, INDEX_FILE, WEIGHTS_FILE, give_usual_mode, read_safetensors, weight_files
from mdsm_ros.hub.graphs import MANIFEST_FILE, check_config, has_graphs, read_manifest
from mdsm_ros.models.config import ModelConfig

LARGEST_FILE = "15MB"


def embed(model: Path, folder: Path, largest_file: str = LARGEST_FILE) -> None:
    """Copies a model's folder; its weights are split into files of at most ``largest_file``. A model card stays.

    ONNX graphs stay, too, if the new weights have the sizes and the configuration of the old ones.

    Raises:
        WeightsError: There is no model, or it cannot be read.
        OSError: A file cannot be copied.
    """
    config = read_config(model)
    state = {name: tensor for path in weight_files(model) for name, tensor in read_safetensors(path).items()}
    with whole_folder(folder) as partial:
        save_torch_state_dict(state, partial, max_shard_size=largest_file)
        give_usual_mode(partial)
        for path in model.iterdir():
            if path.is_file() and path.suffix != ".safetensors" and path.name not in (INDEX_FILE, "README.md"):
                shutil.copyfile(path, partial / path.name)
        card = folder / "README.md"
        if card.exists():
            shutil.copyfile(card, partial / card.name)
        _keep_graphs(folder, partial, config)


def _keep_graphs(folder: Path, partial: Path, config: ModelConfig) -> None:
    if not has_graphs(folder):
        return
    files = [folder / MANIFEST_FILE, *folder.glob("*.onnx")]
    for file in files:
        shutil.copyfile(file, partial / file.name)
    try:
        check_config(partial, read_manifest(partial), config.graph_fields())
    except WeightsError:
        for file in files:
            (partial / file.name).unlink()


def main(argv: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m training.train.embed", description=__doc__)
    parser.add_argument("model", type=Path, help=f"folder with {CONFIG_FILE} and {WEIGHTS_FILE}, of mdsm-train")
    parser.add_argument("name", help="of the embedded model")
    args = parser.parse_args(argv)
    try:
        embed(args.model, EMBEDDED_WEIGHTS / args.name)
    except (MdsmError, OSError) as error:
        print(f"training.train.embed: {error}", file=sys.stderr)
        return 2
    files = weight_files(EMBEDDED_WEIGHTS / args.name)
    sizes = ", ".join(f"{path.name} {path.stat().st_size / 1e6:.1f} MB" for path in files)
    print(f"{EMBEDDED_WEIGHTS / args.name}: {sizes}")
    if not has_graphs(EMBEDDED_WEIGHTS / args.name):
        print(f"no ONNX graphs; for an MDSM: mdsm export {args.name} --out {EMBEDDED_WEIGHTS / args.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
