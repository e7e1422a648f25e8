"""Where the object of an answer is, in the frame that is asked for."""

from __future__ import annotations

import itertools

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
from mdsm_ros.ros.depth.waiting import Place, TransformQueue
from mdsm_ros.ros.interface.parameters import Parameters
from mdsm_ros.ros.objects.describing import Describer, Found, Request
from mdsm_ros.ros.outputs import Outputs
from mdsm_ros.ros.process.guard import Guard


class Objects:
    """Publishes where the objects of answers are, and has box and grasps described where somebody listens.

    Args:
        settings: Parameters of the node.
        depth: What depth and transforms there are; ends with this.
        outputs: The publishers.
        complaints: Is told of what is missing.
        guard: Counts exceptions of the threads.

    Attributes:
        depth: As above.
    """

    def __init__(
        self, settings: Parameters, depth: DepthInputs, outputs: Outputs, complaints: Complaints, guard: Guard
    ) -> None:
        self.depth = depth
        self._transforms = TransformQueue(
            settings.target_frame, settings.transform_timeout, depth.find_transform, complaints.note, guard.note
        )
        self._describer = Describer(outputs, complaints, guard)
        self._outputs = outputs
        self._complaints = complaints
        self._numbers = itertools.count()

    def publish(
        self,
        message: Image | CompressedImage,
        image: np.ndarray,
        instruction: str,
        answer: Segmentation,
        gripper_width: float,
    ) -> None:
        """Publishes where the object of a mask is as soon as its transform is there, or says why nobody knows.

        Args:
            message: The image of the answer.
            image: (H, W, 3) its pixels.
            instruction: What was asked for.
            answer: The mask.
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
            self._outputs.publish_object(header, moved, view.colors(image, found))
            self._describe(Request(number, header, instruction, Found(view, answer, place, gripper_width)))

        self._transforms.find(message.header, place_found, lambda: self._describe(nothing))

    def close(self) -> None:
        """Publishes nothing from now on."""
        self._transforms.close()
        self._describer.close()
        self.depth.close()

    def view(self, message: Image | CompressedImage, shape: tuple[int, int]) -> DepthView:
        """The depth of an image.

        Args:
            message: The image.
            shape: Its height and width.

        Raises:
            ConversionError: The depth image is damaged.
            SpatialError: There is no depth that fits, or nobody knows where it lies.
        """
        if isinstance(message, CompressedImage) and is_turned_image(message):
            raise SpatialError("image orientation", "turned by EXIF", "as camera_info and depth have it")
        return self.depth.buffer.match(message.header, shape)

    def _describe(self, request: Request) -> None:
        if self._outputs.is_description_wanted():
            self._describer.put(request)

    def _seen(self, message: Image | CompressedImage, answer: Segmentation) -> tuple[DepthView, ObjectGeometry] | None:
        """The depth of an image and the object in it; None after saying why there is none."""
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
