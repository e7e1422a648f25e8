"""Chooses how masks are carried."""

from __future__ import annotations

from mdsm_ros.inference.tracking.flow_carrier import FlowCarrier
from mdsm_ros.inference.tracking.tracker import Tracker
from mdsm_ros.inference.tracking.video_carrier import VideoCarrier, VideoModel


def make_tracker(model: VideoModel | None = None) -> Tracker:
    """Makes the tracker of one stream of images.

    Args:
        model: Video model that carries the masks; None for optical flow.
    """
    return Tracker(FlowCarrier() if model is None else VideoCarrier(model))
