"""Locates the object of an answer, in the requested frame."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from mdsm_ros.errors import ConversionError, SpatialError
from mdsm_ros.geometry import MIN_POINTS, ObjectGeometry
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.recordings.cameras.registration import DepthView
from mdsm_ros.recordings.images.compressed import is_turned_image
from mdsm_ros.ros.complaints import Complaints
from mdsm_ros.ros.depth.inputs import DepthInputs
from mdsm_ros.ros.depth.transforms import LateTransforms
from mdsm_ros.ros.depth.waiting import Place, TransformQueue
from mdsm_ros.ros.interface.parameters import Parameters
from mdsm_ros.ros.objects.describing import Describer, Found, Request
from mdsm_ros.ros.outputs import Outputs
from mdsm_ros.ros.process.guard import Guard


class Objects:
    """Publishes the positions of objects, and requests box and grasps if these topics have subscribers.

    Args:
        settings: Parameters of the node.
        depth: Depth images and intrinsics.
        transforms: Transforms between frames.
        outputs: Publishers of the node.
        complaints: Reporter of missing inputs.
        guard: Counter of exceptions in the threads.

    Attributes:
        depth: Depth images and intrinsics.
    """

    def __init__(
        self,
        settings: Parameters,
        depth: DepthInputs,
        transforms: LateTransforms,
        outputs: Outputs,
        complaints: Complaints,
        guard: Guard,
    ) -> None:
        self.depth = depth
        self._transforms = TransformQueue(
            settings.target_frame, settings.transform_timeout, transforms.find, complaints.note, guard.note
        )
        self._describer = Describer(outputs, complaints, guard)
        self._outputs = outputs
        self._complaints = complaints
        self._numbers = itertools.count()

    def publish(
        self,
        message: Image | CompressedImage,
        picture: Callable[[], np.ndarray],
        instruction: str,
        answer: Segmentation,
        gripper_width: float,
    ) -> None:
        """Publishes the position of a mask's object once its transform arrives, or reports why it is unknown.

        Args:
            message: Image message of the answer.
            picture: Function that returns the pixels of the image, (H, W, 3), for the colours of points.
            instruction: Instruction that was answered.
            answer: Answer with the mask.
            gripper_width: Largest opening of the gripper, metres.
        """
        number = next(self._numbers)
        header = Header(stamp=message.header.stamp, frame_id=self._transforms.frame_of(message.header))
        nothing = Request(number, header, instruction, None)
        seen = self._seen(message, answer) if answer.present else None
        if seen is None:
            self._describe(nothing)
            return
        view, found = seen

        def place_found(place: Place) -> None:
            moved = found.moved(place.pose.rotation, place.pose.translation)
            self._outputs.publish_object(header, moved, lambda: view.colors(picture(), found))
            self._describe(Request(number, header, instruction, Found(view, answer, place, gripper_width)))

        self._transforms.find(message.header, place_found, lambda: self._describe(nothing))

    def close(self) -> None:
        """Publishes nothing from now on."""
        self._transforms.close()
        self._describer.close()

    def view(self, message: Image | CompressedImage, shape: tuple[int, int]) -> DepthView:
        """Returns the depth of an image.

        Args:
            message: Message of the image.
            shape: Height and width of the image.

        Raises:
            ConversionError: The depth image is damaged.
            SpatialError: There is no matching depth, or its pose is unknown.
        """
        if isinstance(message, CompressedImage) and is_turned_image(message):
            raise SpatialError("image orientation", "turned by EXIF", "as camera_info and depth have it")
        return self.depth.buffer.match(message.header, shape)

    def _describe(self, request: Request) -> None:
        if self._outputs.is_description_wanted():
            self._describer.put(request)

    def _seen(self, message: Image | CompressedImage, answer: Segmentation) -> tuple[DepthView, ObjectGeometry] | None:
        """Returns the depth of an image and the object in it; reports the reason and returns None if there is none."""
        try:
            view = self.view(message, answer.mask.shape)
            found = view.locate(answer.mask)
            if found is None:
                raise SpatialError("depth in the mask", "missing", f"at least {MIN_POINTS} measurements")
        except SpatialError as error:
            self._complaints.note(error.field, error)
        except ConversionError as error:
            self._complaints.note(f"depth {error.field}", error)
        else:
            return view, found
        return None
