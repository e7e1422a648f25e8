"""``mdsm_sim``: a MuJoCo home as a live camera, so that anyone can try the node without a robot.

It publishes colour, depth, intrinsics and transforms of a camera that moves through the rooms. With parameter speak, it
also publishes instructions about objects in view, each with its ground-truth mask.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header, String

from mdsm_ros.homes.camera_effects import CAMERAS, IDEAL, Strengths, expose
from mdsm_ros.homes.furnishing.options import NONE
from mdsm_ros.homes.furnishing.stock import Stock, choose_stock, open_stock
from mdsm_ros.homes.generate import SPLIT_SEEDS
from mdsm_ros.homes.home import Room
from mdsm_ros.homes.layout import build_home
from mdsm_ros.homes.speech.instructions import Sentence, Speaker
from mdsm_ros.homes.views.scene import View
from mdsm_ros.homes.views.seen import look
from mdsm_ros.homes.views.tour import tour
from mdsm_ros.library import LibraryMissing
from mdsm_ros.ros.conversions import mask_to_image, numpy_to_image
from mdsm_ros.ros.depth.messages import info_of
from mdsm_ros.ros.players.sim_transforms import SimTransforms
from mdsm_ros.ros.process.guard import Guard, GuardedExecutor
from mdsm_ros.ros.process.run import run

FRAME_ID = "camera_color_optical_frame"  # REP-103: x right, y down, z forward
QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)  # reliable also serves best-effort subscribers
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
SUGGESTIONS = 6  # sentences to choose from


class SimCamera(Node):
    """Publishes ``image``, ``depth``, ``camera_info``, ``/tf``; if it speaks, ``instruction``, ``ground_truth/mask``.

    Attributes:
        guard: Counter of the exceptions of callbacks.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("mdsm_sim", **options)
        self.guard = Guard(self.get_logger(), self.context)
        self.guard.wrap_services(self)
        home = self._integer("home", 0, 0, 999_999, "Number of the home, one of those never used in training or test.")
        width = self._integer("width", 640, 64, 1920, "Width of the images in pixels.")
        height = self._integer("height", 480, 64, 1080, "Height of the images in pixels.")
        rate = self._number("rate", 10.0, 0.1, 60.0, "Images per second, if rendering keeps up.")
        seconds = self._number("walk", 10.0, 1.0, 600.0, "Seconds from one end of a path to the other.")
        self._speak = self._number(
            "speak", 0.0, 0.0, 600.0, "Seconds between instructions. 0: the log only suggests some."
        )
        self._rng = np.random.default_rng(home)
        self._noise = np.random.default_rng((home, 4))
        self._strengths = Strengths.draw(self._noise) if self._camera() == "real" else IDEAL
        self._views = tour(
            build_home(SPLIT_SEEDS["demo"] + home, self._stock()),
            self._rng,
            size=(width, height),
            frames=max(2, round(rate * seconds)),
        )
        self._room: Room | None = None
        self._sentence: Sentence | None = None
        self._said = 0.0  # s, monotonic
        self._image = self.create_publisher(Image, "image", QOS)
        self._depth = self.create_publisher(Image, "depth", QOS)
        self._info = self.create_publisher(CameraInfo, "camera_info", QOS)
        self._transforms = SimTransforms(self)
        self._instruction = self.create_publisher(String, "instruction", LATCHED)
        self._truth = self.create_publisher(Image, "ground_truth/mask", QOS)
        self.create_timer(1.0 / rate, self.guard.wrap("timer of the camera", self._shoot))
        self.get_logger().info(f"home {home}: {width}x{height} at {rate:g} Hz on {self._image.topic_name}")

    def _stock(self) -> Stock | None:
        """The library of 3D models that furnishes the home.

        Raises:
            LibraryMissing: The folder that was named holds none.
        """
        descriptor = ParameterDescriptor(
            description="Folder of the library of 3D models, 'none' for procedural objects, '' for the cache.",
            read_only=True,
        )
        folder = str(self.declare_parameter("library", "", descriptor).value)
        if folder == NONE:
            return None
        try:
            return open_stock(choose_stock(Path(folder) if folder else None, "all"))
        except LibraryMissing as missing:
            if folder:
                raise
            self.get_logger().info(f"the home is procedural: {missing}")
            return None

    @property
    def topic_names(self) -> Sequence[str]:
        """Names of topics that remappings are checked against; none here."""
        return ()

    def begin(self, executor: GuardedExecutor) -> None:
        """Does nothing: the timer does the work."""

    def end(self, seconds: float) -> bool:
        """Frees the renderer, in the thread that uses it."""
        self._views.close()  # type: ignore[attr-defined]
        return True

    def _integer(self, name: str, default: int, lowest: int, highest: int, description: str) -> int:
        limits = IntegerRange(from_value=lowest, to_value=highest, step=1)
        descriptor = ParameterDescriptor(description=description, integer_range=[limits], read_only=True)
        return int(self.declare_parameter(name, default, descriptor).value)

    def _number(self, name: str, default: float, lowest: float, highest: float, description: str) -> float:
        limits = FloatingPointRange(from_value=lowest, to_value=highest, step=0.0)
        descriptor = ParameterDescriptor(description=description, floating_point_range=[limits], read_only=True)
        return float(self.declare_parameter(name, default, descriptor).value)

    def _camera(self) -> str:
        text = "real: blur, noise, exposure, colours and JPEG of a camera; ideal: as rendered."
        descriptor = ParameterDescriptor(description=text, read_only=True)
        camera = str(self.declare_parameter("camera", "real", descriptor).value)
        if camera not in CAMERAS:
            raise ValueError(f"parameter camera is {camera!r}, expected one of {list(CAMERAS)}")
        return camera

    def _shoot(self) -> None:
        room, view = next(self._views)
        header = Header(frame_id=FRAME_ID, stamp=self.get_clock().now().to_msg())
        assert view.depth is not None
        if room is not self._room or (self._speak and time.monotonic() - self._said > self._speak):
            self._choose_sentence(room, view)
        height, width = view.items.shape
        self._transforms.publish(header, view.pose)
        self._info.publish(info_of(view.camera, height, width, header))
        self._depth.publish(numpy_to_image(view.depth, "32FC1", header))
        self._image.publish(numpy_to_image(expose(view.rgb, self._strengths, self._noise), "rgb8", header))
        if self._speak and self._sentence is not None:
            target = self._sentence.target
            mask = np.zeros(view.items.shape, bool) if target is None else view.items == target
            self._truth.publish(mask_to_image(mask, header))

    def _choose_sentence(self, room: Room, view: View) -> None:
        sentences = Speaker(room, look(room, view), view.items.size, self._rng).sentences(SUGGESTIONS)
        if room is not self._room:
            self._room, self._sentence = room, None
            examples = " | ".join(sentence.text for sentence in sentences[:3])
            self.get_logger().info(f"in the {room.kind}{'; for example:  ' if examples else ''}{examples}")
        if self._speak and sentences:
            self._sentence, self._said = sentences[0], time.monotonic()
            self._instruction.publish(String(data=self._sentence.text))


def main(args: Sequence[str] | None = None) -> int:
    """Runs the camera until it is asked to end; returns the exit code, 1 if the camera could not start."""
    return run("mdsm_sim", SimCamera, args)


if __name__ == "__main__":
    sys.exit(main())
