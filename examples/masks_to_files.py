"""Writes each mask of the node to a PNG file, named by the stamp of its image.

    python3 examples/masks_to_files.py --out masks --ros-args -r mask:=/mdsm/mask

A mask is 255 on the object and 0 elsewhere; a mask of zeros means that the object is not in view.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import rclpy
from PIL import Image as Picture
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import Image


class MaskWriter(Node):
    """Subscribes to ``mask`` and writes ``SECONDS_NANOSECONDS.png``.

    Args:
        folder: Folder for the PNG files.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__("mask_writer")
        self._folder = folder
        self.create_subscription(Image, "mask", self._write, 10)

    def _write(self, message: Image) -> None:
        rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
        mask = rows[:, : message.width]  # a row may be longer than its pixels
        path = self._folder / f"{message.header.stamp.sec}_{message.header.stamp.nanosec:09d}.png"
        Picture.fromarray(mask).save(path)
        self.get_logger().info(f"{path}: {int((mask > 0).sum())} pixels")


def main() -> None:
    """Runs until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("masks"), help="folder to write (default: %(default)s)")
    args = parser.parse_args(remove_ros_args()[1:])
    args.out.mkdir(parents=True, exist_ok=True)
    rclpy.init()
    node = MaskWriter(args.out)
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
