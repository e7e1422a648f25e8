"""Plays a recording into the node: `ros2 launch mdsm_ros evaluate.launch.py bag:=kitchen out:=kitchen_report`."""

from __future__ import annotations

from launch.actions import DeclareLaunchArgument, EmitEvent, OpaqueFunction, RegisterEventHandler
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.events.process import ProcessExited
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription
from mdsm_ros.errors import CommandError

ARGUMENTS = [
    DeclareLaunchArgument("bag", description="rosbag2 folder, .mcap or .db3 file."),
    DeclareLaunchArgument("out", description="Folder for the metrics, report.html and the recording with masks."),
    DeclareLaunchArgument(
        "model", default_value="mdsm-small", description="Model: name (mdsm models), folder or hub id."
    ),
    DeclareLaunchArgument("device", default_value="auto", description="auto, cpu, cuda, cuda:1 ..."),
    DeclareLaunchArgument("rate", default_value="", description="Speed of the replay, only with live; empty: 1.0."),
    DeclareLaunchArgument(
        "live",
        default_value="true",
        choices=["true", "false"],
        description="Play the recording into the node over DDS; false answers every image, however long it takes.",
    ),
]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=make_replay)])


def make_replay(context: LaunchContext) -> list[Node | RegisterEventHandler]:
    value = context.launch_configurations
    options = [part for name in ("out", "model", "device") for part in (f"--{name}", value[name])]
    live = ["--live"] if value["live"] == "true" else []
    live += ["--rate", value["rate"]] if value["rate"] else []  # without live, mdsm refuses it
    replay = Node(
        package="mdsm_ros", executable="mdsm", arguments=["replay", value["bag"], *options, *live], output="screen"
    )
    # mdsm starts and ends the node itself; the launch ends with mdsm
    over = RegisterEventHandler(OnProcessExit(target_action=replay, on_exit=end))
    return [replay, over]


def end(event: ProcessExited, context: LaunchContext) -> EmitEvent:
    """Ends the launch, with exit code 1 if mdsm failed.

    Raises:
        CommandError: mdsm failed by itself.
    """
    if event.returncode and not context.is_shutdown:
        raise CommandError(f"mdsm replay failed with exit code {event.returncode}")
    return EmitEvent(event=Shutdown())
