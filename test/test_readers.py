"""Readers of foreign files know one kind of error, however a file is damaged.

``scripts/fuzz_readers.py`` does the same with as many files as one likes.
"""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

pytest.importorskip("webdataset", reason="needs the extra [data]")
pytest.importorskip("yaml", reason="needs the extra [train]")
pytest.importorskip("hypothesis", reason="needs the extra [test]")

from foreign_readers import READERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdsm_ros.errors import MdsmError

CHECKED = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def read(name: str, content: bytes) -> None:
    with TemporaryDirectory() as folder, suppress(MdsmError):
        READERS[name].read(content, Path(folder))


@pytest.mark.parametrize("name", READERS)
def test_a_sound_file_is_read(name: str, tmp_path: Path) -> None:
    READERS[name].read(READERS[name].seed(), tmp_path)


@pytest.mark.parametrize("name", READERS)
@CHECKED
@given(seed=st.integers(0, 2**32))
def test_a_damaged_file_gives_one_kind_of_error(name: str, seed: int) -> None:
    reader = READERS[name]
    read(name, reader.mutate(reader.seed(), random.Random(seed)))


@pytest.mark.parametrize("name", READERS)
@CHECKED
@given(content=st.binary(max_size=200))
def test_any_bytes_give_one_kind_of_error(name: str, content: bytes) -> None:
    read(name, content)


@pytest.mark.parametrize("name", [name for name, reader in READERS.items() if "json" in reader.mutate.__name__])
@CHECKED
@given(
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_any_json_gives_one_kind_of_error(name: str, content: object) -> None:
    import json

    read(name, json.dumps(content).encode(errors="surrogatepass"))
