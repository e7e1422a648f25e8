"""What a replay is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ReplayOptions:
    """Options of :func:`mdsm_ros.replay.run.run_replay` and of a comparison.

    Attributes:
        bag: The recording: a rosbag2 folder, a .mcap or a .db3 file.
        out: Folder to write; a run that was ended is resumed in it.
        image: Topic of the camera; None takes the only one of its type.
        instruction_topic: Topic of the instructions; None takes the only String.
        instruction: Instruction that is in force all the time, instead of the recording's.
        truth: Topic of the true masks; None takes /ground_truth/mask if it was recorded.
        labels: Folder of a dataset with true masks of some of the images, instead of a topic.
        num_inference_steps: Number of refinement steps; None takes the model's.
        live: Whether the recording is played into the running node.
        rate: Speed of a live run.
        track: Seconds that the model takes for an answer, while masks are tracked between answers; None tracks nothing.
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
    write_bag: bool = True
