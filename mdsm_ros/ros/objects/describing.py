"""Box and grasps of the newest answer, computed in a thread of their own: masks never wait for them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.errors import SpatialError
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.recordings.cameras.pinhole import as_pinhole
from mdsm_ros.recordings.cameras.registration import DepthView
from mdsm_ros.ros.complaints import Complaints
from mdsm_ros.ros.depth.waiting import Place
from mdsm_ros.ros.mailbox import Mailbox
from mdsm_ros.ros.outputs import Outputs
from mdsm_ros.ros.process.guard import Guard


@dataclass(frozen=True)
class Found:
    """An object of which depth is known, in the frame that is asked for."""

    view: DepthView
    answer: Segmentation
    place: Place
    gripper_width: float  # metres


@dataclass(frozen=True)
class Request:
    """An answer whose object is to be described; without one, that there is nothing to grasp."""

    number: int  # of the answer
    header: Any  # of the outputs
    instruction: str
    found: Found | None


class Describer:
    """Describes the newest object that was put; older ones that still wait are left out."""

    def __init__(self, outputs: Outputs, complaints: Complaints, guard: Guard) -> None:
        self._outputs = outputs
        self._complaints = complaints
        self._guard = guard
        self._mailbox: Mailbox[Request] = Mailbox()
        self._lock = threading.Lock()
        self._newest = -1
        self._thread: threading.Thread | None = None

    def put(self, request: Request) -> None:
        """Asks for a description; does not wait. Answers may come out of order, the newest counts."""
        with self._lock:
            if request.number < self._newest:
                return
            self._newest = request.number
            self._mailbox.put(request)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mdsm_grasps", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Ends the thread after the description that is being made; nothing is published from now on."""
        self._mailbox.close()

    def _run(self) -> None:
        while (request := self._mailbox.take()) is not None:
            try:
                self._describe(request)
            except BaseException as error:  # nothing else sees what a thread raises
                if not self._mailbox.closed:  # publishers raise once the node has gone
                    self._guard.note("grasps", error)

    def _describe(self, request: Request) -> None:
        # imported here: SciPy takes a second, and most nodes never grasp
        from mdsm_ros.manipulation.frames import in_frame
        from mdsm_ros.manipulation.gripper import Gripper
        from mdsm_ros.manipulation.target import describe

        found, target, gripper = request.found, None, Gripper()
        if found is not None:
            gripper = Gripper(max_width=found.gripper_width)
            view = as_pinhole(found.view, found.answer.mask, _probability(found.answer))
            if view is not None:
                outcome = describe(
                    view.mask,
                    view.depth,
                    view.camera,
                    probability=view.probability,
                    up=found.place.up,
                    gripper=gripper,
                )
                reason = outcome.reason if outcome.target is None else outcome.target.no_grasp
                if reason:
                    self._complaints.note("grasps", SpatialError("grasp", f"missing ({reason})", "an object that fits"))
                if outcome.target is not None:
                    target = in_frame(outcome.target, found.place.pose.rotation, found.place.pose.translation)
        if not self._mailbox.closed:
            score = 0.0 if found is None else found.answer.score
            self._outputs.publish_description(request.header, request.instruction, score, target, gripper)


def _probability(answer: Segmentation) -> NDArray[np.float32]:
    return np.asarray(answer.probability)
