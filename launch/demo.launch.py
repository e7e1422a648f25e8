"""A simulated home, the node, and optionally RViz: `ros2 launch mdsm_ros demo.launch.py rviz:=true`."""

from __future__ import annotations

from pathlib import Path

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription

HERE = Path(__file__).resolve().parent
RVIZ_CONFIG = HERE.parent / "config" / "mdsm.rviz"
SIM_PARAMETERS = {"home": int, "rate": float, "width": int, "height": int, "speak": float, "camera": str}


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            DeclareLaunchArgument("home", default_value="0", description="Number of the simulated home."),
            DeclareLaunchArgument("rate", default_value="10.0", description="Images per second."),
            DeclareLaunchArgument("width", default_value="640", description="Width of the images in pixels."),
            DeclareLaunchArgument("height", default_value="480", description="Height of the images in pixels."),
            DeclareLaunchArgument(
                "speak",
                default_value="0.0",
                description="Seconds between the instructions of the simulation; 0: you give instructions on topic "
                "instruction.",
            ),
            DeclareLaunchArgument(
                "camera",
                default_value="real",
                choices=["real", "ideal"],
                description="Blur, noise, exposure, colours and JPEG of a real camera, or images as rendered.",
            ),
            DeclareLaunchArgument(
                "target_frame",
                default_value="base_link",
                description="Frame of pose, points, box and grasps: base_link, map, or empty for that of the camera.",
            ),
            DeclareLaunchArgument(
                "rviz", default_value="false", choices=["true", "false"], description="Start RViz with a prepared view."
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(HERE / "mdsm.launch.py")),
                launch_arguments={"depth": "depth", "target_frame": LaunchConfiguration("target_frame")}.items(),
            ),
            Node(
                package="mdsm_ros",
                executable="mdsm_sim",
                parameters=[
                    {
                        name: ParameterValue(LaunchConfiguration(name), value_type=kind)
                        for name, kind in SIM_PARAMETERS.items()
                    }
                ],
                output="screen",
            ),
            Node(
                package="rviz2",
                executable="rviz2",
                arguments=["-d", str(RVIZ_CONFIG)],
                condition=IfCondition(LaunchConfiguration("rviz")),
            ),
        ]
    )
