"""A described object in another frame, such as the robot's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.manipulation.cloud import Cloud
from mdsm_ros.manipulation.grasps import Grasp
from mdsm_ros.manipulation.support import Plane
from mdsm_ros.manipulation.target import Target


def in_frame(target: Target, rotation: NDArray[np.float64], translation: NDArray[np.float64]) -> Target:
    """A target as seen from another frame.

    Args:
        target: in the camera's optical frame.
        rotation: (3, 3) from the camera's frame to the other one.
        translation: (3,) of the camera in the other frame, metres.
    """

    def moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(points @ rotation.T + translation)

    return replace(
        target,
        surface=Cloud(moved(target.surface.points), target.surface.normals @ rotation.T),
        centroid=moved(target.centroid),
        covariance=rotation @ target.covariance @ rotation.T,
        box=replace(target.box, center=moved(target.box.center), axes=rotation @ target.box.axes),
        support=None if target.support is None else _plane_in_frame(target.support, rotation, translation),
        grasps=tuple(_grasp_in_frame(grasp, rotation, translation) for grasp in target.grasps),
    )


def _plane_in_frame(plane: Plane, rotation: NDArray[np.float64], translation: NDArray[np.float64]) -> Plane:
    normal = rotation @ plane.normal
    return Plane(normal, plane.offset - float(normal @ translation))


def _grasp_in_frame(grasp: Grasp, rotation: NDArray[np.float64], translation: NDArray[np.float64]) -> Grasp:
    return replace(
        grasp,
        position=rotation @ grasp.position + translation,
        axes=rotation @ grasp.axes,
        contacts=grasp.contacts @ rotation.T + translation,
    )
