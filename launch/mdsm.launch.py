"""The node, for one camera: `ros2 launch mdsm_ros mdsm.launch.py image:=/camera/color/image_raw`.

For several: `ros2 launch mdsm_ros mdsm.launch.py cameras:=front,rear image:=/{camera}/color/image_raw`.
"""

from __future__ import annotations

import os
from pathlib import Path

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription
from mdsm_ros.errors import ParameterError
from mdsm_ros.ros.interface.depth_arguments import check_depth_arguments
from mdsm_ros.ros.interface.remappings import camera_names, remappings
from mdsm_ros.ros.interface.topics import PRIVATE

CONFIG = Path(__file__).resolve().parent.parent / "config"
PROFILES_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")  # Fast DDS 2 and 3
BOOLEAN = ["true", "false"]
ARGUMENTS = [
    DeclareLaunchArgument(
        "params_file", default_value=str(CONFIG / "mdsm.yaml"), description="YAML file with the node's parameters."
    ),
    DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node and its topics."),
    DeclareLaunchArgument(
        "model",
        default_value="",
        description="Model by name (mdsm models lists them), folder or hub id; empty: as in params_file.",
    ),
    DeclareLaunchArgument(
        "device",
        default_value="",
        description="Device of the model: auto, cpu, cuda, cuda:1 ...; empty: as in params_file.",
    ),
    DeclareLaunchArgument(
        "cameras",
        default_value="",
        description="Names of several cameras, separated by commas. In the names of topics, {camera} stands for each; "
        "empty: as in params_file, where the default is one camera without a name.",
    ),
    DeclareLaunchArgument(
        "image",
        default_value="",
        description="Camera topic; empty: image, or NAME/image with cameras. With image_transport compressed, the name "
        "without /compressed.",
    ),
    DeclareLaunchArgument(
        "depth",
        default_value="",
        description="Topic of the depth image; empty: as in params_file, which by default computes no position of the "
        "object. With depth_transport compressedDepth, the name without /compressedDepth.",
    ),
    DeclareLaunchArgument(
        "camera_info",
        default_value="",
        description="Topic of the camera_info of the images, only with depth; empty: camera_info.",
    ),
    DeclareLaunchArgument(
        "depth_camera_info",
        default_value="",
        description="Topic of the camera_info of the depth images, needed if they are not registered to the images; "
        "only with depth; empty: camera_info beside the depth topic.",
    ),
    DeclareLaunchArgument(
        "target_frame",
        default_value="",
        description="Frame of pose, points, box and grasps, such as base_link, only with depth; empty: as in "
        "params_file, where the default is the frame of the image.",
    ),
    DeclareLaunchArgument(
        "instruction", default_value="", description="Topic of the instructions, for all cameras; empty: instruction."
    ),
    DeclareLaunchArgument(
        "autostart",
        default_value="",
        choices=["", *BOOLEAN],
        description="Configure and activate at start; false leaves both to a lifecycle manager; empty: as in "
        "params_file, where the default is true.",
    ),
    DeclareLaunchArgument(
        "large_images",
        default_value="true",
        choices=BOOLEAN,
        description=f"Give Fast DDS room for large images ({CONFIG.name}/fastdds_large_images.xml) unless "
        f"{PROFILES_VARIABLES[0]} is set. The camera's process needs the same.",
    ),
    DeclareLaunchArgument(
        "log_level",
        default_value="info",
        choices=["debug", "info", "warn", "error", "fatal"],
        description="Lowest severity that is logged.",
    ),
    DeclareLaunchArgument(
        "respawn", default_value="false", choices=BOOLEAN, description="Start the node again when it ends."
    ),
    *(
        DeclareLaunchArgument(
            topic.short_name, default_value="", description=f"Another topic for {topic.name}; empty: that one."
        )
        for topic in PRIVATE
    ),
]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=make_node)])


def make_node(context: LaunchContext) -> list[Node]:
    value = context.launch_configurations
    if not Path(value["params_file"]).is_file():  # launch_ros would only warn, and the node run with the defaults
        raise ParameterError(f"params_file is {value['params_file']!r}, which is not a file")
    check_depth_arguments(value)
    overrides: dict[str, object] = {name: value[name] for name in ("model", "device", "target_frame") if value[name]}
    if value["depth"]:
        overrides["depth"] = True
    cameras = camera_names(value["cameras"])
    if cameras:
        overrides["cameras"] = cameras
    if value["autostart"]:
        overrides["autostart"] = value["autostart"] == "true"
    profiles = {}
    if value["large_images"] == "true" and not any(name in os.environ for name in PROFILES_VARIABLES):
        profiles = dict.fromkeys(PROFILES_VARIABLES, str(CONFIG / "fastdds_large_images.xml"))
    return [
        Node(
            package="mdsm_ros",
            executable="mdsm_node",
            namespace=value["namespace"],
            parameters=[value["params_file"], *([overrides] if overrides else [])],  # an empty one is no parameter file
            remappings=remappings(value, cameras),
            ros_arguments=["--log-level", value["log_level"]],
            additional_env=profiles,
            respawn=value["respawn"] == "true",
            respawn_delay=2.0,
            output="screen",
        )
    ]
