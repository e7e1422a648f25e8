"""Connections to an index: one for every process and thread that reads it."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

from mdsm_ros.errors import DatasetError

VERSION = 1  # of the tables; an index of another version is made again


class Store:
    """A finished index, which nobody changes: a new one replaces the file.

    It can be sent to other processes, and used after a fork.

    Args:
        path: Path of the index.
        source: The ``annotations.json`` of which it was made, for messages.

    Raises:
        sqlite3.Error: The file is not an index.
    """

    def __init__(self, path: Path, source: Path) -> None:
        self.path, self.source = path, source
        self._local = threading.local()
        self.about: dict[str, Any] = _about(self._connect())

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "source": self.source, "about": self.about}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _local=threading.local())

    def _connect(self) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode=ro&immutable=1"  # no locks: nothing changes
        connection = sqlite3.connect(uri, uri=True)
        connection.execute("PRAGMA trusted_schema = OFF")  # an index may come with a dataset of others
        # a connection of the parent must not be used after a fork, and is not closed there either
        self._local.connections = [*getattr(self._local, "connections", []), connection]
        self._local.process = os.getpid()
        return connection

    def rows(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query.

        Raises:
            DatasetError: The dataset has changed since it was opened, or the index is damaged.
        """
        try:
            if getattr(self._local, "process", None) != os.getpid() and _about(self._connect()) != self.about:
                raise DatasetError(f"{self.source} has changed since it was opened, expected the same content")
            return self._local.connections[-1].execute(query, values).fetchall()  # type: ignore[no-any-return]
        except sqlite3.Error as error:
            raise DatasetError(f"{self.path} is damaged: {error}; delete it, and it is made again") from error


def _about(connection: sqlite3.Connection) -> dict[str, Any]:
    return {name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM about")}
