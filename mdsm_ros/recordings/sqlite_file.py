"""The messages of a .db3 file in the order of writing, as far as the file is readable."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from mdsm_ros.recordings.limits import unpack_message

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"  # start of a message that was compressed individually; CDR starts with 0


def sqlite_records(path: Path) -> Iterator[tuple[str, str, str, int, bytes]]:
    """Topic, type, definition of the type, time (ns) and content of each message, up to the first damage.

    Raises:
        sqlite3.Error: The damage.
    """
    with closing(_connect(path)) as database:
        topics = _topics(database)
        definitions = _definitions(database)
        # reads the table itself: its index by time may be in the lost part
        for topic_id, time, data in database.execute("SELECT topic_id, timestamp, data FROM messages NOT INDEXED"):
            topic = topics.get(topic_id)
            if topic is None or not isinstance(time, int) or not isinstance(data, bytes):
                continue
            name, kind = topic
            yield name, kind, definitions.get(kind, ""), time, _plain(data)


def _connect(path: Path) -> sqlite3.Connection:
    """Opens a file read-only, including the write-ahead log of a killed recorder if possible."""
    log = path.with_name(path.name + "-wal")
    modes = ["mode=ro"] if log.exists() and log.stat().st_size else []
    for mode in (*modes, "mode=ro&immutable=1"):
        database = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)
        database.text_factory = lambda text: text.decode(errors="replace")
        with suppress(sqlite3.Error):
            database.execute("PRAGMA writable_schema=ON")  # otherwise a file that is cut short is not read at all
            database.execute("SELECT count(*) FROM topics").fetchone()
            return database
        database.close()
    raise sqlite3.DatabaseError(f"{path} has no readable table of topics")


def _topics(database: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    rows = database.execute("SELECT id, name, type FROM topics")
    return {key: (name, kind) for key, name, kind in rows if isinstance(name, str) and isinstance(kind, str)}


def _definitions(database: sqlite3.Connection) -> dict[str, str]:
    found: dict[str, str] = {}
    with suppress(sqlite3.Error):  # recorders before Jazzy write no such table
        rows = database.execute("SELECT topic_type, encoded_message_definition FROM message_definitions")
        for kind, text in rows:
            if isinstance(kind, str) and isinstance(text, str) and not text.startswith("="):  # not IDL
                found[kind] = text
    return found


def _plain(data: bytes) -> bytes:
    return unpack_message(data) if data.startswith(ZSTD_MAGIC) else data
