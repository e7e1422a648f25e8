"""Publishes each line of a text source, such as a speech recogniser, as an instruction.

    my_recogniser | python3 examples/speech_to_instruction.py
    python3 examples/speech_to_instruction.py            # type instructions yourself, end with Ctrl-D

Any recogniser works that prints one line per sentence. With a library that uses callbacks, call ``say`` instead.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

# stored for nodes that start later: an instruction applies until the next one
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
DISCOVERY_TIMEOUT = 5.0  # s
LEAST_WORDS = 2  # recognisers rarely return a longer text for a noise


class Speech(Node):
    """Publishes ``instruction``."""

    def __init__(self) -> None:
        super().__init__("speech")
        self._publisher = self.create_publisher(String, "instruction", LATCHED)

    def wait_for_listener(self) -> None:
        """Waits until there is a subscriber, for some seconds at most: earlier messages may be lost."""
        end = time.monotonic() + DISCOVERY_TIMEOUT
        while self._publisher.get_subscription_count() == 0 and time.monotonic() < end:
            rclpy.spin_once(self, timeout_sec=0.1)

    def say(self, text: str) -> bool:
        """Publishes one sentence; returns False if the text is too short to be one."""
        sentence = " ".join(text.split())
        if len(sentence.split()) < LEAST_WORDS:
            return False
        self._publisher.publish(String(data=sentence))
        self.get_logger().info(f"instruction: {sentence}")
        return True


def listen(node: Speech, lines: Iterable[str]) -> int:
    """Publishes all lines; returns the number of instructions among them."""
    node.wait_for_listener()
    return sum(node.say(line) for line in lines)


def main() -> None:
    """Runs until the text ends, or until Ctrl-C."""
    rclpy.init()
    node = Speech()
    try:
        listen(node, sys.stdin)
        rclpy.spin_once(node, timeout_sec=1.0)  # time to send the last message
    except KeyboardInterrupt:
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
