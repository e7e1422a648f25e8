"""Options of a replay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ReplayOptions:
    """Options of :func:`mdsm_ros.replay.run.run_replay` and of a comparison.

    Attributes:
        bag: Recording: a rosbag2 folder, a .mcap or a .db3 file.
        out: Folder to write; an interrupted run resumes in it.
        image: Topic of the camera; None for the only one of its type.
        instruction_topic: Topic of the instructions; None for the only String topic.
        instruction: Instruction for the whole recording, instead of the recorded ones.
        truth: Topic of the ground-truth masks; None for /ground_truth/mask if it was recorded.
        labels: Folder of a dataset with ground-truth masks of some images, instead of a topic.
        num_inference_steps: Number of refinement steps; None for the model's own.
        live: Whether the recording is played into the running node.
        rate: Speed of a live run relative to the recording.
        track: Seconds that the model takes per answer, with tracked masks in between; None tracks nothing.
        track_model: Video model whose tracked masks stand beside those of optical flow, by hub id or folder; "" for
            none. A live run tracks with it in place of optical flow.
        write_bag: Whether to write the recording with masks.
    """

    bag: Path
    out: Path
    image: str | None = None
    instruction_topic: str | None = None
    instruction: str | None = None
    truth: str | None = None
    labels: Path | None = None
    num_inference_steps: int | None = None
    live: bool = False
    rate: float = 1.0
    track: float | None = None
    track_model: str = ""
    write_bag: bool = True
