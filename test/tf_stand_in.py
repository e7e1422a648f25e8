"""tf2_ros where it is installed, and else a stand-in with the part of its Buffer's interface that the node uses."""

from __future__ import annotations

import importlib.util
import sys
from collections import defaultdict
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import Transform, TransformStamped
from rclpy.node import Node

INSTALLED = importlib.util.find_spec("tf2_ros") is not None


class Buffer:
    """Knows the transforms of single links; interpolates, and refuses to extrapolate, as tf2's does."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], list[tuple[int, np.ndarray]]] = defaultdict(list)

    def set_transform(self, stamped: TransformStamped, authority: str) -> None:
        move, turn = stamped.transform.translation, stamped.transform.rotation
        values = np.array([move.x, move.y, move.z, turn.x, turn.y, turn.z, turn.w])
        stamp = stamped.header.stamp.sec * 10**9 + stamped.header.stamp.nanosec
        self.known[stamped.header.frame_id, stamped.child_frame_id].append((stamp, values))

    def lookup_transform(self, target: str, source: str, time: Any) -> SimpleNamespace:
        known = list(self.known.get((target, source), ()))
        if not known:
            raise LookupError(f'"{target}" does not exist')
        stamps = np.array([stamp for stamp, _ in known])
        after = int(np.searchsorted(stamps, time.nanoseconds))
        if after == len(stamps) or time.nanoseconds < stamps[0]:
            raise LookupError("Lookup would require extrapolation")
        before = max(0, after - 1)
        gap = max(1, int(stamps[after] - stamps[before]))
        part = (time.nanoseconds - int(stamps[before])) / gap
        one, other = known[before][1], known[after][1].copy()
        other[3:] *= np.sign(one[3:] @ other[3:]) or 1.0
        values = one + part * (other - one)
        values[3:] /= np.linalg.norm(values[3:])
        result = Transform()
        move, turn = result.translation, result.rotation
        move.x, move.y, move.z, turn.x, turn.y, turn.z, turn.w = values.tolist()
        return SimpleNamespace(transform=result)


class TransformListener:
    """Has its buffer filled by whoever tells transforms."""

    def __init__(self, buffer: Buffer, node: Node) -> None:
        self.buffer = buffer
        listeners.append(self)

    def unregister(self) -> None:
        listeners.remove(self)


listeners: list[TransformListener] = []


class Tf:
    """Tells transforms: over DDS where tf2_ros is installed, else to the stand-ins."""

    def __init__(self, node: Node, patch: pytest.MonkeyPatch) -> None:
        self.publisher: Any = None
        if INSTALLED:
            from tf2_msgs.msg import TFMessage

            self._message = TFMessage
            self.publisher = node.create_publisher(TFMessage, "/tf", 100)
        else:
            module = ModuleType("tf2_ros")
            vars(module).update(Buffer=Buffer, TransformListener=TransformListener)
            patch.setitem(sys.modules, "tf2_ros", module)

    def is_heard(self) -> bool:
        return bool(listeners if self.publisher is None else self.publisher.get_subscription_count())

    def tell(self, stamped: TransformStamped) -> None:
        if self.publisher is not None:
            self.publisher.publish(self._message(transforms=[stamped]))
        for listener in listeners:
            listener.buffer.set_transform(stamped, "test")
