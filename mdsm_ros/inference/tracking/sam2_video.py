"""SAM 2 and EdgeTAM of transformers on a stream of images. Both have the same processor and the same sessions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

OBJECT = 1  # id of the only object of a session


class Sam2Video:
    """A video model on a device; see :class:`~mdsm_ros.inference.tracking.video_carrier.VideoModel`.

    Args:
        network: ``Sam2VideoModel`` or ``EdgeTamVideoModel``, in full precision.
        processor: Its ``Sam2VideoProcessor``.
        device: Device to run on.
        half: Whether to run in mixed precision: bfloat16 as SAM 2's authors do, on GPUs that compute in it.
    """

    def __init__(self, network: Any, processor: Any, device: torch.device, *, half: bool) -> None:
        self.processor = processor
        self.device = device
        self.network = network.to(device).eval()
        if device.type == "cuda":
            half = half and torch.cuda.get_device_capability(device) >= (8, 0)
        self.half = half
        self._lock = threading.Lock()  # cameras share the network; its memory on the device is needed once

    @property
    def side(self) -> int:
        """Side of the network's input, pixels."""
        return int(self.processor.target_size)

    @property
    def memory(self) -> int:
        """How many images the network looks back on, besides the answered one."""
        return max(1, int(self.network.config.num_maskmem) - 1)

    @property
    def horizon(self) -> int:
        """How many images back anything of them is used: their object pointers are longer than their features."""
        return max(self.memory, int(self.network.config.max_object_pointers_in_encoder) - 1)

    def begin(self, image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Sam2Session:
        """A session that knows an object from image (H, W, 3) and mask (H', W')."""
        return Sam2Session(self, image, mask)

    def warm_up(self) -> None:
        """Tracks something on two empty images, so that the first real one does not include set-up time."""
        image = np.zeros((self.side, self.side, 3), np.uint8)
        self.begin(image, np.ones((self.side, self.side), np.bool_)).step(image)

    @contextmanager
    def running(self) -> Iterator[None]:
        """The context in which the network runs, for one caller at a time."""
        with self._lock, torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            yield


class Sam2Session:
    """One object in a stream of images; what is too old to be used again is forgotten, so memory stays bounded.

    Args:
        model: The video model.
        image: The first image, uint8 (H, W, 3) RGB.
        mask: The object in it, bool (H', W').
    """

    def __init__(self, model: Sam2Video, image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> None:
        self._model = model
        self._shape = mask.shape
        self._number = 0  # of the next image
        with model.running():
            self._session = model.processor.init_video_session(inference_device=model.device, dtype=torch.float32)
            model.processor.add_inputs_to_inference_session(
                self._session, frame_idx=0, obj_ids=OBJECT, input_masks=torch.from_numpy(np.ascontiguousarray(mask))
            )
            self._show(image)

    def step(self, image: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """The object's mask (H', W') in the next image (H, W, 3).

        Without a pixel if the object's score is below one half: the networks then put -1024 for all logits of the mask.
        """
        with self._model.running():
            logits = self._show(image).pred_masks.float()
            masks = self._model.processor.post_process_masks([logits], [self._shape])[0]
            mask: NDArray[np.bool_] = masks[0, 0].cpu().numpy()
        return mask

    def _show(self, image: NDArray[np.uint8]) -> Any:
        pixels = self._model.processor(images=image, device=self._model.device, return_tensors="pt").pixel_values
        found = self._model.network(inference_session=self._session, frame=pixels, frame_idx=self._number)
        self._forget()
        self._number += 1
        return found

    def _forget(self) -> None:
        """Removes what a session of transformers keeps of every image without using it again."""
        self._session.processed_frames.clear()
        for outputs, tracked in zip(
            self._session.output_dict_per_obj.values(), self._session.frames_tracked_per_obj.values(), strict=True
        ):
            for kept in (outputs["non_cond_frame_outputs"], tracked):
                kept.pop(self._number - self._model.horizon, None)
