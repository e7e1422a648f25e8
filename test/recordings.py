"""Recordings that tests write, and a model that answers them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from mdsm_ros.demo.bag_writer import STORE, _compressed, _header
from mdsm_ros.inference.answer import STAGES, Segmentation
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.replay.options import ReplayOptions
from mdsm_ros.replay.run import run_replay

IMAGE, INFO, SAID, TRUTH = "/camera/image", "/camera/camera_info", "/instruction", "/ground_truth/mask/compressed"
CUP, RADIO = "get the red cup", "turn the radio off"
SHAPE = (24, 32)
SECOND = 10**9


def picture(number: int) -> np.ndarray:
    """Red in as many columns as the number says."""
    rgb = np.zeros((*SHAPE, 3), np.uint8)
    rgb[:, : number + 1, 0] = 250
    return rgb


def mask(number: int) -> np.ndarray:
    return picture(number)[..., 0] > 0


class Reds:
    """Answers with what is red; refinement takes a row away."""

    name, device, defaults, refines = "reds", "cpu", InferenceSettings(num_inference_steps=4), True

    def __init__(self, patience: int = 10**6) -> None:
        self.patience = patience

    def stream(self, image: np.ndarray, instruction: str, settings: InferenceSettings) -> Iterator[Segmentation]:
        self.patience -= 1
        if self.patience < 0:
            raise KeyboardInterrupt
        found = image[..., 0] > 100
        for stage, seconds in zip(STAGES, (0.1, 0.3), strict=True):
            yield Segmentation(found, found.astype(np.float32), None, 0.8, bool(found.any()), stage, {"total": seconds})
            found = found.copy()
            found[0] = False


class Recorder:
    """Writes a bag message by message; stamps and times in seconds."""

    def __init__(
        self, folder: Path, storage: StoragePlugin = StoragePlugin.MCAP, compression: CompressionMode | None = None
    ) -> None:
        self.folder = folder
        self.writer = Writer(folder, version=9, storage_plugin=storage)
        if compression is not None:
            self.writer.set_compression(compression, CompressionFormat.ZSTD)
        self.writer.open()
        self.connections: dict[str, Any] = {}

    def write(self, topic: str, kind: str, content: Any, at: float) -> None:
        if topic not in self.connections:
            self.connections[topic] = self.writer.add_connection(topic, kind, typestore=STORE)
        self.writer.write(self.connections[topic], round(at * SECOND), STORE.serialize_cdr(content, kind))

    def say(self, text: str, at: float) -> None:
        self.write(SAID, "std_msgs/msg/String", STORE.types["std_msgs/msg/String"](data=text), at)

    def show(self, rgb: np.ndarray, at: float, stamp: float | None = None, **changes: Any) -> None:
        fields = {"encoding": "rgb8", "is_bigendian": 0, "step": 3 * rgb.shape[1], "data": rgb.ravel()}
        fields |= {"height": rgb.shape[0], "width": rgb.shape[1]} | changes
        header = _header(round((at if stamp is None else stamp) * SECOND))
        kind = "sensor_msgs/msg/Image"
        self.write(IMAGE, kind, STORE.types[kind](header=header, **fields), at)

    def show_jpeg(self, data: bytes, at: float) -> None:
        kind = "sensor_msgs/msg/CompressedImage"
        content = STORE.types[kind](
            header=_header(round(at * SECOND)), format="jpeg", data=np.frombuffer(data, np.uint8)
        )
        self.write(f"{IMAGE}/compressed", kind, content, at)

    def tell(self, truth: np.ndarray, at: float, stamp: float) -> None:
        kind = "sensor_msgs/msg/CompressedImage"
        self.write(TRUTH, kind, _compressed(truth.astype(np.uint8) * 255, round(stamp * SECOND), "png"), at)

    def close(self) -> Path:
        self.writer.close()
        return self.folder


def good_bag(
    folder: Path, storage: StoragePlugin = StoragePlugin.MCAP, compression: CompressionMode | None = None
) -> Path:
    """Six images; nothing said before the first, then the cup, then the radio, which is not in view."""
    recorder = Recorder(folder, storage, compression)
    recorder.show(picture(0), 1.0)
    recorder.say(CUP, 1.5)
    for number in (1, 2, 3):
        recorder.tell(mask(number), number + 0.9 if number == 1 else number + 1.1, number + 1.0)  # early, late
        recorder.show(picture(number), number + 1.0)
    recorder.say(RADIO, 4.5)
    for number in (4, 5):
        recorder.tell(np.zeros(SHAPE, bool), number + 1.0, number + 1.0)
        recorder.show(picture(number), number + 1.0)
    return recorder.close()


def replay(bag: Path, out: Path, segmenter: Any = None, **changes: Any) -> dict[str, Any]:
    """The content of ``metrics.json``."""
    model: Any = segmenter or Reds()
    assert run_replay(ReplayOptions(bag, out, **changes), model) == 0
    return dict(json.loads((out / "metrics.json").read_text()))
