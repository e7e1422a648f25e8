"""Publishes each line of a text source as an instruction: the seat of a speech recogniser.

    my_recogniser | python3 examples/speech_to_instruction.py
    python3 examples/speech_to_instruction.py            # type instructions yourself, end with Ctrl-D

Any recogniser that prints a line for each sentence will do. With a library that calls back, call ``say`` instead.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

# kept for nodes that come later: the instruction stays in force until the next one
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
DISCOVERY_TIMEOUT = 5.0  # s
LEAST_WORDS = 2  # what a recogniser makes of a noise is rarely longer


class Speech(Node):
    """Publishes ``instruction``."""

    def __init__(self) -> None:
        super().__init__("speech")
        self._publisher = self.create_publisher(String, "instruction", LATCHED)

    def wait_for_listener(self) -> None:
        """Waits until somebody listens, for some seconds at most: what is said before may be lost."""
        end = time.monotonic() + DISCOVERY_TIMEOUT
        while self._publisher.get_subscription_count() == 0 and time.monotonic() < end:
            rclpy.spin_once(self, timeout_sec=0.1)

    def say(self, text: str) -> bool:
        """Publishes one sentence; returns False for what is too short to be one."""
        sentence = " ".join(text.split())
        if len(sentence.split()) < LEAST_WORDS:
            return False
        self._publisher.publish(String(data=sentence))
        self.get_logger().info(f"instruction: {sentence}")
        return True


def listen(node: Speech, lines: Iterable[str]) -> int:
    """Says all lines; returns how many were instructions."""
    node.wait_for_listener()
    return sum(node.say(line) for line in lines)


def main() -> None:
    """Runs until the text ends, or until Ctrl-C."""
    rclpy.init()
    node = Speech()
    try:
        listen(node, sys.stdin)
        rclpy.spin_once(node, timeout_sec=1.0)  # the last message leaves
    except KeyboardInterrupt:
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
