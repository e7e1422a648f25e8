"""Messages about an object in space and about a camera."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdsm_ros.geometry import Camera, ObjectGeometry, quaternion


def info_of(camera: Camera, height: int, width: int, header: Any) -> Any:
    """Builds the ``sensor_msgs/CameraInfo`` of an ideal camera, with ``header`` unchanged."""
    from sensor_msgs.msg import CameraInfo

    cx, cy = camera.cx - 0.5, camera.cy - 0.5  # CameraInfo's pixel centres are whole numbers, ours are halves
    return CameraInfo(
        header=header,
        height=height,
        width=width,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=[camera.fx, 0.0, cx, 0.0, camera.fy, cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[camera.fx, 0.0, cx, 0.0, 0.0, camera.fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


def points_to_cloud(found: ObjectGeometry, colors: NDArray[np.uint8], header: Any) -> Any:
    """Builds the ``sensor_msgs/PointCloud2`` of an object, with x, y, z and rgb (packed as in PCL).

    sensor_msgs_py builds it if that is installed.

    Args:
        found: Object in space.
        colors: RGB colours of the points, (N, 3).
        header: Header of the message, used unchanged.
    """
    from sensor_msgs.msg import PointCloud2, PointField

    points = np.zeros(len(found.points), dtype=[(name, "<f4") for name in ("x", "y", "z", "rgb")])
    for i, name in enumerate("xyz"):
        points[name] = found.points[:, i]
    red, green, blue = colors.astype(np.uint32).T
    points["rgb"] = (red << 16 | green << 8 | blue).astype("<u4").view("<f4")  # PCL stores the bits in a float
    fields = [
        PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
        for i, name in enumerate(("x", "y", "z", "rgb"))
    ]
    try:
        from sensor_msgs_py.point_cloud2 import create_cloud
    except ImportError:
        data = array("B")
        data.frombytes(points.tobytes())
        return PointCloud2(
            header=header,
            height=1,
            width=len(points),
            fields=fields,
            is_bigendian=False,
            point_step=points.itemsize,
            row_step=points.nbytes,
            data=data,
            is_dense=True,
        )
    cloud = create_cloud(header, fields, points)
    cloud.is_dense = True  # every point is finite
    return cloud


def pose_of(found: ObjectGeometry, header: Any) -> Any:
    """Builds a ``geometry_msgs/PoseStamped``: the mean of an object's points, x along its longest principal axis."""
    from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion

    x, y, z = (float(value) for value in found.position)
    qx, qy, qz, qw = quaternion(found.axes)
    pose = Pose(position=Point(x=x, y=y, z=z), orientation=Quaternion(x=qx, y=qy, z=qz, w=qw))
    return PoseStamped(header=header, pose=pose)
