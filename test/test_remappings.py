"""The names that the launch file's arguments give to topics, and the names of topics with several cameras."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mdsm_ros.errors import ParameterError
from mdsm_ros.ros.interface.depth_arguments import OF_DEPTH, check_depth_arguments
from mdsm_ros.ros.interface.remappings import camera_names, remappings
from mdsm_ros.ros.interface.topics import PRIVATE, TOPICS, name_of, names_of

INPUT_ARGUMENTS = ("image", "depth", "camera_info", "depth_camera_info", "instruction")


def arguments(**given: str) -> dict[str, str]:
    """All launch arguments that are names of topics, empty unless given."""
    return dict.fromkeys([*INPUT_ARGUMENTS, *(topic.short_name for topic in PRIVATE)], "") | given


def test_one_camera() -> None:
    given = arguments(image="/cam/image_raw", instruction="/task", mask="/cup")
    assert sorted(remappings(given, [])) == [
        ("image", "/cam/image_raw"),
        ("image/compressed", "/cam/image_raw/compressed"),
        ("instruction", "/task"),
        ("~/mask", "/cup"),
    ]
    assert remappings(arguments(), []) == remappings(arguments(), ["front", "rear"]) == []


def test_the_camera_info_of_depth_is_beside_it() -> None:
    assert dict(remappings(arguments(depth="/cam/depth/image"), []))["depth/camera_info"] == "/cam/depth/camera_info"
    given = arguments(depth="/cam/depth/image", depth_camera_info="/info")
    assert dict(remappings(given, []))["depth/camera_info"] == "/info"


def test_several_cameras() -> None:
    given = arguments(
        image="/{camera}/color/image_raw", depth="/{camera}/depth/image", mask="/{camera}/cup", instruction="/task"
    )
    assert camera_names("front, rear") == camera_names("front rear") == ["front", "rear"]
    found = remappings(given, ["front", "rear"])
    for camera in ("front", "rear"):
        wanted = {
            (f"{camera}/image", f"/{camera}/color/image_raw"),
            (f"{camera}/image/compressed", f"/{camera}/color/image_raw/compressed"),
            (f"{camera}/depth/camera_info", f"/{camera}/depth/camera_info"),
            (f"~/{camera}/mask", f"/{camera}/cup"),
        }
        assert wanted <= set(found)
    assert ("instruction", "/task") in found
    assert ("rear/instruction", "/rear/task") in remappings(arguments(instruction="/{camera}/task"), ["front", "rear"])


def test_cameras_do_not_share_a_topic() -> None:
    text = "topic image is '/image', for 2 cameras"
    with pytest.raises(ParameterError, match=re.escape(text.replace(",", ""))):
        remappings(arguments(image="/image"), ["front", "rear"])
    assert remappings(arguments(image="/image"), ["front"])[0] == ("front/image", "/image")


def test_every_name_has_its_place_with_cameras() -> None:
    assert name_of("depth/camera_info", "front") == "front/depth/camera_info"
    assert name_of("~/mask", "front") == "~/front/mask"
    assert name_of("~/mask", "") == "~/mask"
    names = names_of(["front", "rear"])
    assert len(names) == len(set(names)) == 2 * (len(TOPICS) + 1) + 4  # two services, and /diagnostics once
    assert {"instruction", "front/instruction", "~/segment", "~/rear/segment", "/diagnostics"} <= set(names)


@pytest.mark.parametrize("name", OF_DEPTH)
def test_arguments_about_depth_need_depth(tmp_path: Path, name: str) -> None:
    files = {
        "without": "/**:\n  ros__parameters:\n    depth: false\n",
        "with": "/left:\n  mdsm:\n    ros__parameters:\n      depth: true\n",
        "damaged": "/**: [",
    }
    for file, text in files.items():
        (tmp_path / file).write_text(text)
        given = arguments(target_frame="") | {name: "/x"} | {"params_file": str(tmp_path / file)}
        check_depth_arguments(given | {"depth": "/depth"})
        check_depth_arguments(given | {name: ""})
        if file == "without":
            with pytest.raises(ParameterError, match=f"^{name} is '/x', expected it only with depth:=TOPIC"):
                check_depth_arguments(given)
        else:
            check_depth_arguments(given)
