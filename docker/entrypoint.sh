#!/usr/bin/env bash
# Sources ROS and the workspace, then runs the command in place of this shell, so that signals reach it.
set -e
. "/opt/ros/${ROS_DISTRO}/setup.bash"
. /ws/install/setup.bash
exec "$@"
