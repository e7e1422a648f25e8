from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from mdsm_ros.errors import BagError
from mdsm_ros.recordings.bags import Bag

STORE = get_typestore(Stores.ROS2_JAZZY)
STRING = "std_msgs/msg/String"


def write_bag(folder: Path, texts: dict[str, list[str]], storage: StoragePlugin = StoragePlugin.MCAP) -> Path:
    with Writer(folder, version=9, storage_plugin=storage) as writer:
        connections = {topic: writer.add_connection(topic, STRING, typestore=STORE) for topic in texts}
        for topic, values in texts.items():
            for i, text in enumerate(values):
                message = STORE.types[STRING](data=text)
                writer.write(connections[topic], (i + 1) * 10**9, STORE.serialize_cdr(message, STRING))
    return folder


def decode_all(path: Path) -> list[object]:
    with Bag(path) as bag:
        return [bag.decode(message) for message in bag.messages()]


@pytest.fixture
def bag_path(tmp_path: Path) -> Path:
    return write_bag(tmp_path / "bag", {"/a": ["one", "two", "three"], "/b": ["1", "2"]})


@pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_messages_come_back_in_the_order_of_their_times(tmp_path: Path, storage: StoragePlugin) -> None:
    path = write_bag(tmp_path / "bag", {"/a": ["one", "two", "three"], "/b": ["1", "2"]}, storage)
    with Bag(path) as bag:
        assert bag.topics == {"/a": STRING, "/b": STRING}
        assert bag.duration == pytest.approx(2.0, abs=1e-6)
        messages = list(bag.messages())
        assert [m.time for m in messages] == sorted(m.time for m in messages)
        assert [bag.decode(m).data for m in messages if m.topic == "/a"] == ["one", "two", "three"]
        assert [bag.decode(m).data for m in bag.messages(["/b"])] == ["1", "2"]


def test_a_single_file_opens_as_well_as_its_folder(bag_path: Path) -> None:
    with Bag(bag_path / "bag.mcap") as bag:
        assert [bag.decode(m).data for m in bag.messages(["/b"])] == ["1", "2"]


def test_a_missing_topic_is_named_with_what_was_expected(bag_path: Path) -> None:
    with Bag(bag_path) as bag:
        with pytest.raises(BagError, match=r"no topic /camera, expected sensor_msgs/msg/Image; it holds /a"):
            bag.find_topic(["sensor_msgs/msg/Image"], "/camera")
        with pytest.raises(BagError, match=r"topic /a of bag .* is std_msgs/msg/String, expected sensor_msgs"):
            bag.find_topic(["sensor_msgs/msg/Image"], "/a")
        with pytest.raises(BagError, match=r"no topic of type sensor_msgs/msg/Image"):
            bag.find_topic(["sensor_msgs/msg/Image"])
        with pytest.raises(BagError, match=r"several topics .* /a, /b"):
            bag.find_topic([STRING])
        assert bag.find_topic([STRING], "/b") == "/b"


def test_a_missing_bag(tmp_path: Path) -> None:
    with pytest.raises(BagError, match=r"nowhere' does not exist"):
        Bag(tmp_path / "nowhere")


def test_a_folder_that_is_no_bag(tmp_path: Path) -> None:
    with pytest.raises(BagError, match=r"holds no metadata\.yaml"):
        Bag(tmp_path)


def test_a_file_that_is_no_bag(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    with pytest.raises(BagError, match=r"neither a rosbag2 folder nor"):
        Bag(text)
    text.rename(tmp_path / "notes.mcap")
    with pytest.raises(BagError, match=r"damaged or not a rosbag2 recording"):
        Bag(tmp_path / "notes.mcap")


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_bag(bag_path: Path, keep: float) -> None:
    file = bag_path / "bag.mcap"
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * keep)])
    with pytest.raises(BagError, match=r"bag'? is damaged"):
        Bag(bag_path)


def test_a_bag_whose_storage_file_is_missing(bag_path: Path) -> None:
    (bag_path / "bag.mcap").unlink()
    with pytest.raises(BagError, match=r"missing"):
        Bag(bag_path)


def test_damage_in_the_middle_is_reported_while_reading(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag", {"/a": ["x" * 1000] * 200})
    file = path / "bag.mcap"
    data = bytearray(file.read_bytes())
    data[200:400] = bytes(255 for _ in range(200))
    file.write_bytes(bytes(data))
    with pytest.raises(BagError, match=r"damaged"):
        decode_all(path)


def test_a_message_that_is_shorter_than_its_type_says(tmp_path: Path) -> None:
    folder = tmp_path / "bag"
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/a", STRING, typestore=STORE)
        writer.write(connection, 1, b"\x00\x01\x00\x00\xff\x00\x00\x00")
    with Bag(folder) as bag, pytest.raises(BagError, match=r"a message of /a is damaged"):
        bag.decode(next(bag.messages()))


def test_files_of_the_metadata_that_are_no_list(bag_path: Path) -> None:
    """Found by scripts/fuzz_readers.py: rosbags opens such a recording and fails when it closes."""
    metadata = bag_path / "metadata.yaml"
    content = yaml.safe_load(metadata.read_text())
    content["rosbag2_bagfile_information"]["files"] = "/etc/x"
    metadata.write_text(yaml.safe_dump(content))
    with pytest.raises(BagError, match=r"files of metadata\.yaml is '/etc/x', expected a list"):
        Bag(bag_path)
    with Bag(bag_path, salvage=True) as bag:
        assert "expected a list" in str(bag.damage)
        assert len(list(bag.messages())) > 0
