"""Computes box and grasps of the newest answer in a separate thread, so that masks never wait for them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from mdsm_ros.manipulation.gripper import Gripper
    from mdsm_ros.manipulation.target import Outcome
    from mdsm_ros.ros.depth.grasp_messages import DescribedObject

MOST_OBJECTS = 5  # largest number of described objects per answer


@dataclass(frozen=True)
class Found:
    """An object with known depth, in the requested frame."""

    view: DepthView
    answer: Segmentation
    place: Place
    gripper_width: float  # metres


@dataclass(frozen=True)
class Request:
    """An answer whose object is to be described; without an object, there is nothing to grasp."""

    number: int  # id of the answer
    header: Any  # header of the outputs
    instruction: str
    found: Found | None


class Describer:
    """Describes the newest requested object; older requests that still wait are skipped."""

    def __init__(self, outputs: Outputs, complaints: Complaints, guard: Guard) -> None:
        self._outputs = outputs
        self._complaints = complaints
        self._guard = guard
        self._mailbox: Mailbox[Request] = Mailbox()
        self._lock = threading.Lock()
        self._newest = -1
        self._thread: threading.Thread | None = None

    def put(self, request: Request) -> None:
        """Requests a description; does not wait. Answers may come out of order; the newest one is described."""
        with self._lock:
            if request.number < self._newest:
                return
            self._newest = request.number
            self._mailbox.put(request)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mdsm_grasps", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Ends the thread after the current description; nothing is published from now on."""
        self._mailbox.close()

    def _run(self) -> None:
        while (request := self._mailbox.take()) is not None:
            try:
                self._describe(request)
            except BaseException as error:  # exceptions of a thread are seen nowhere else
                if not self._mailbox.closed:  # publishers raise once the node is destroyed
                    self._guard.note("grasps", error)

    def _describe(self, request: Request) -> None:
        from mdsm_ros.manipulation.gripper import Gripper  # imports SciPy, which most nodes never need

        found = request.found
        gripper = Gripper() if found is None else Gripper(max_width=found.gripper_width)
        objects = [] if found is None else self._objects(found, request.instruction, gripper)
        if not self._mailbox.closed:
            self._outputs.publish_description(request.header, objects, gripper)

    def _objects(self, found: Found, instruction: str, gripper: Gripper) -> list[DescribedObject]:
        """Returns the objects of an answer that can be described, in the requested frame."""
        from mdsm_ros.manipulation.frames import in_frame
        from mdsm_ros.ros.depth.grasp_messages import DescribedObject

        objects = []
        for number, instance in enumerate(found.answer.instances[:MOST_OBJECTS], start=1):
            outcome = _outcome(found, instance.mask, gripper)
            reason = outcome.reason if outcome.target is None else outcome.target.no_grasp
            if reason:
                self._complaints.note("grasps", SpatialError("grasp", f"missing ({reason})", "an object that fits"))
            if outcome.target is not None:
                pose = found.place.pose
                target = in_frame(outcome.target, pose.rotation, pose.translation)
                objects.append(DescribedObject(number, instance.name or instruction, instance.score, target))
        return objects


def _outcome(found: Found, mask: NDArray[np.bool_], gripper: Gripper) -> Outcome:
    from mdsm_ros.manipulation.target import Outcome, describe

    view = as_pinhole(found.view, mask, found.answer.probability)
    if view is None:
        return Outcome(None, "the depth has no measurement in the mask")
    return describe(
        view.mask, view.depth, view.camera, probability=view.probability, up=found.place.up, gripper=gripper
    )
