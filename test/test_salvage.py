"""Recordings that are cut short, lost in part, or something else: read as far as they go, or told what they are."""

from __future__ import annotations

import shutil
import sqlite3
import struct
import time
from pathlib import Path

import pytest
import zstandard
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from mdsm_ros.errors import BagError
from mdsm_ros.recordings import limits
from mdsm_ros.recordings.bags import Bag
from mdsm_ros.recordings.limits import MAX_CHUNK, LimitedFile, LimitError, unpack

STORE = get_typestore(Stores.ROS2_JAZZY)
STRING = "std_msgs/msg/String"
COUNT = 200


def write(folder: Path, storage: StoragePlugin = StoragePlugin.SQLITE3) -> Path:
    with Writer(folder, version=9, storage_plugin=storage) as writer:
        said = writer.add_connection("/said", STRING, typestore=STORE)
        for i in range(COUNT):
            data = STORE.serialize_cdr(STORE.types[STRING](data=f"{i} {'x' * 500}"), STRING)
            writer.write(said, 10**9 * (i + 1), data)
    return folder


def numbers(path: Path) -> list[int]:
    """What was said, where the recording is damaged."""
    with Bag(path, salvage=True) as bag:
        assert bag.damage is not None
        assert str(path.name) in bag.damage
        return [int(bag.decode(message).data.split()[0]) for message in bag.messages(["/said"])]


@pytest.mark.parametrize("storage", [StoragePlugin.SQLITE3, StoragePlugin.MCAP])
@pytest.mark.parametrize("metadata", [None, "rosbag2_bagfile_inform"])
def test_without_metadata_everything_is_read(tmp_path: Path, storage: StoragePlugin, metadata: str | None) -> None:
    path = write(tmp_path / "bag", storage)
    (path / "metadata.yaml").unlink()
    if metadata is not None:
        (path / "metadata.yaml").write_text(metadata)
    assert numbers(path) == list(range(COUNT))


@pytest.mark.parametrize("metadata", [True, False])
def test_a_sqlite_file_is_read_up_to_its_cut(tmp_path: Path, metadata: bool) -> None:
    path = write(tmp_path / "bag")
    file = path / "bag.db3"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    if not metadata:
        (path / "metadata.yaml").unlink()
    found = numbers(path)
    assert 20 < len(found) < COUNT
    assert found == list(range(len(found)))


def test_a_lost_split_file_does_not_lose_the_others(tmp_path: Path) -> None:
    path = write(tmp_path / "bag")
    for number in range(12):  # as `ros2 bag record --max-bag-duration` splits
        with sqlite3.connect(path / f"bag_{number}.db3") as split:
            sqlite3.connect(path / "bag.db3").backup(split)
            split.execute("DELETE FROM messages WHERE (timestamp / 1000000000 - 1) % 12 != ?", (number,))
        split.close()
    (path / "bag.db3").unlink()
    (path / "bag_5.db3").unlink()
    names = "\n".join(f"  - bag_{number}.db3" for number in range(12))
    text = (path / "metadata.yaml").read_text()
    (path / "metadata.yaml").write_text(text.replace("  - bag.db3", names).replace("[bag.db3]", f"\n{names}"))
    found = numbers(path)
    assert len(found) == sum(i % 12 != 5 for i in range(COUNT))
    assert [i % 12 for i in found if i < 12] == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]  # 2 before 10


def test_what_a_killed_recorder_left_in_its_log_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "whole")
    (path / "metadata.yaml").unlink()
    database = sqlite3.connect(path / "whole.db3", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA wal_autocheckpoint=0")
    database.execute(
        "INSERT INTO messages(topic_id, timestamp, data) SELECT topic_id, 9e18, data FROM messages LIMIT 1"
    )
    shutil.copytree(path, tmp_path / "bag")
    database.close()
    (tmp_path / "bag" / "whole.db3-shm").unlink(missing_ok=True)
    assert len(numbers(tmp_path / "bag")) == COUNT + 1


def test_types_without_definition_are_copied_as_bytes(tmp_path: Path) -> None:
    from mdsm_ros.replay.output_bag import write_output_bag

    path = tmp_path / "bag"
    types = get_typestore(Stores.ROS2_JAZZY)
    types.register(get_types_from_msg("int32 ticks\n", "my_robot_msgs/msg/Wheels"))
    with Writer(path, version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        wheels = writer.add_connection("/wheels", "my_robot_msgs/msg/Wheels", typestore=types)
        message = types.types["my_robot_msgs/msg/Wheels"](ticks=3)
        data = bytes(types.serialize_cdr(message, "my_robot_msgs/msg/Wheels"))
        writer.write(wheels, 1, data)
    database = sqlite3.connect(path / "bag.db3")
    database.execute("DROP TABLE message_definitions")
    database.execute("UPDATE schema SET schema_version = 3")
    database.commit()
    database.close()
    with Bag(path) as bag:
        write_output_bag(tmp_path / "out", bag, "/camera", iter(()), lambda: None)
    with Bag(tmp_path / "out", salvage=True) as copy:
        assert [(m.topic, m.type, bytes(m.data)) for m in copy.messages(["/wheels"])] == [
            ("/wheels", "my_robot_msgs/msg/Wheels", data)
        ]


def test_several_recordings_are_named(tmp_path: Path) -> None:
    for name in ("monday", "tuesday"):
        write(tmp_path / "robot" / name)
    with pytest.raises(BagError, match="recordings monday, tuesday, expected one"):
        Bag(tmp_path / "robot", salvage=True)
    flat = tmp_path / "flat"
    flat.mkdir()
    for name in ("monday", "tuesday"):
        shutil.copy(tmp_path / "robot" / name / f"{name}.db3", flat)
    with pytest.raises(BagError, match="recordings monday, tuesday, expected one"):
        Bag(flat, salvage=True)


@pytest.mark.parametrize("where", ["drive.bag", "folder"])
def test_ros_1_is_told_how_to_be_converted(tmp_path: Path, where: str) -> None:
    path = tmp_path / where
    file = path if where.endswith(".bag") else path / "drive.bag"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"#ROSBAG V2.0\n" + bytes(100))
    with pytest.raises(BagError, match=r"ROS 1 .*rosbags-convert --src .*drive\.bag --dst"):
        Bag(path, salvage=True)


def test_links_of_a_recording_do_not_lead_out_of_it(tmp_path: Path) -> None:
    path = write(tmp_path / "bag")
    (path / "bag.db3").rename(tmp_path / "elsewhere.db3")
    (path / "bag.db3").symlink_to(tmp_path / "elsewhere.db3")
    with pytest.raises(BagError, match="leads out"):
        Bag(path, salvage=True)


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_chunks_unpack_to_so_much_and_no_more(compression: str) -> None:
    import lz4.frame

    record = struct.pack("<BQ", 5, 40) + bytes(40)
    pack = zstandard.ZstdCompressor().compress if compression == "zstd" else lz4.frame.compress
    assert unpack(pack(record * 10), compression) == record * 10
    with pytest.raises(LimitError, match="unpack to more"):
        unpack(pack(record * 10), compression, limit=400)
    for wrong in (bytes(900), struct.pack("<BQ", 0x80, 0) * 20_000, struct.pack("<BQ", 5, 22) + bytes(22)):
        with pytest.raises(LimitError):
            unpack(pack(wrong), compression)


@pytest.mark.parametrize("frames", [1, 2])
def test_a_bomb_is_refused_at_once(tmp_path: Path, frames: int) -> None:
    packed = zstandard.ZstdCompressor().compress(bytes(10**9 // frames)) * frames
    body = (
        struct.pack("<QQQI", 0, 1, 10**9, 0) + struct.pack("<I", 4) + b"zstd" + struct.pack("<Q", len(packed)) + packed
    )
    header = b"\x01" + struct.pack("<Q", 8) + bytes(8)
    path = tmp_path / "bomb.mcap"
    path.write_bytes(b"\x89MCAP0\r\n" + header + b"\x06" + struct.pack("<Q", len(body)) + body)
    begin = time.perf_counter()
    with pytest.raises(BagError):
        Bag(path, salvage=True)
    assert time.perf_counter() - begin < 15


def write_compressed(folder: Path, mode: CompressionMode) -> Path:
    writer = Writer(folder, version=9, storage_plugin=StoragePlugin.SQLITE3)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        topic = writer.add_connection("/said", STRING, typestore=STORE)
        writer.write(topic, 1, STORE.serialize_cdr(STORE.types[STRING](data="take the cup"), STRING))
    return folder


@pytest.mark.parametrize("mode", [CompressionMode.FILE, CompressionMode.MESSAGE])
def test_compressed_files_and_messages_are_read(tmp_path: Path, mode: CompressionMode) -> None:
    with Bag(write_compressed(tmp_path / "bag", mode)) as bag:
        (message,) = bag.messages()
        assert bag.decode(message).data == "take the cup"


def test_a_message_unpacks_to_so_much_and_no_more(tmp_path: Path) -> None:
    folder = write_compressed(tmp_path / "bag", CompressionMode.MESSAGE)
    packed = zstandard.ZstdCompressor().compress(bytes(MAX_CHUNK + 1))
    with sqlite3.connect(next(folder.glob("*.db3"))) as database:
        database.execute("UPDATE messages SET data = ?", (packed,))
    database.close()
    with Bag(folder) as bag, pytest.raises(BagError, match=f"unpack to more than {MAX_CHUNK}"):
        next(bag.messages())


def test_a_file_unpacks_to_so_much_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_compressed(tmp_path / "bag", CompressionMode.FILE)
    (path,) = folder.glob("*.zstd")
    packed = path.read_bytes()
    content = zstandard.ZstdDecompressor().stream_reader(packed).read()
    with path.open("rb") as file:
        assert LimitedFile(file, len(content)).read() == content
    with path.open("rb") as file, pytest.raises(LimitError, match="zstd -d"):
        LimitedFile(file, len(content) - 1).read()
    left = tmp_path / "left"
    left.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(left))
    monkeypatch.setattr(limits, "LEAST_FILE", 1 << 20)
    monkeypatch.setattr(limits, "MOST_RATIO", 1)
    path.write_bytes(packed + zstandard.ZstdCompressor().compress(bytes(1 << 22)))
    with pytest.raises(BagError, match="unpacks to more than 1048576"):
        Bag(folder)
    assert not list(left.iterdir())
