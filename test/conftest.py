from __future__ import annotations

import ctypes.util
import fcntl
import gc
import itertools
import os
import re
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mdsm_ros.homes.generate import Sample

os.environ.setdefault("MUJOCO_GL", "egl")  # before any test module imports mujoco
# a shell has what it starts in the background ignore Ctrl-C, and so would every process that a test starts
signal.signal(signal.SIGINT, signal.default_int_handler)

_DOMAINS = itertools.count(os.getpid())
MARKERS = {"ros_domain": "ros", "workspace": "colcon", "wheel": "colcon", "views_of_homes": "render"}  # by fixture
LONGEST = ("test_shimrie", "test_training_processes", "test_segmenter", "test_shards")

gc.disable()  # until the tests are collected: what they import stays, so that looking for garbage in it is in vain


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Does not import a file whose tests `-m "not (a or b)"` leaves out, all of them, by its ``pytestmark``."""
    excluded = re.fullmatch(r"not \((\w+(?: or \w+)*)\)", config.getoption("markexpr"))
    if excluded is None or collection_path.suffix != ".py":
        return None
    line = re.search(r"^pytestmark = .*", collection_path.read_text(encoding="utf-8"), re.MULTILINE)
    marks = re.findall(r"mark\.(\w+)", line[0]) if line else []
    return True if set(marks) & set(excluded[1].split(" or ")) else None


def pytest_collection_finish() -> None:
    """Leaves what was imported out of all later searches for garbage."""
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    """Lets the process end as usual: libraries complain of what is left over."""
    gc.unfreeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says what may be tried again, what `make quick` leaves out, and what `pytest -n 2 --dist loadgroup` runs at once.

    Real DDS on a busy machine: Fast DDS may lose a first message or service answer while two processes still discover
    each other, so a test with a domain of its own may be tried three times; and all files with such tests are one
    group, so that two nodes never share the cores. The files that look at the same homes are a group, which renders
    them once. Every other file is a group, since its tests share what they set up. What takes longest comes first, so
    that no worker is left alone with it.
    """
    on_dds, in_homes = (
        {item.path.stem for item in items if fixture in getattr(item, "fixturenames", ())}
        for fixture in ("ros_domain", "views_of_homes")
    )
    for item in items:
        used = MARKERS.keys() & set(getattr(item, "fixturenames", ()))
        for fixture in used:
            item.add_marker(MARKERS[fixture])
        if "ros_domain" in used:
            item.add_marker(pytest.mark.flaky(reruns=2))
        file = item.path.stem
        item.add_marker(pytest.mark.xdist_group("dds" if file in on_dds else "homes" if file in in_homes else file))
    items.sort(key=lambda item: (item.path.stem not in on_dds, item.path.stem not in LONGEST))


@pytest.fixture(scope="session", autouse=True)
def empty_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache without the library of models: tests are the same on machines that have it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def ros_domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A ROS domain that nothing else on this machine uses meanwhile; in force for rclpy and child processes."""
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    first = next(_DOMAINS)  # not the domain of the test before, whose participants may still be leaving
    for domain in (1 + (first + offset) % 101 for offset in range(101)):
        if domain == 42:  # `mdsm doctor` proposes it to people, who take no lock
            continue
        with (Path(tempfile.gettempdir()) / f"mdsm_ros_domain_{domain}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
            yield domain
            return
    pytest.fail("all ROS domains are in use")


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Sums in one order, for bit-for-bit comparisons."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def views_of_homes() -> list[Sample]:
    """Views of the first four homes of the test split, with depth and what is said about them."""
    pytest.importorskip("mujoco", reason="needs the extra [sim]")
    if not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")):
        pytest.skip("rendering needs libegl1 and libgl1-mesa-dri")
    from mdsm_ros.homes.generate import SPLIT_SEEDS, home_samples

    return [sample for home in range(4) for sample in home_samples(SPLIT_SEEDS["test"] + home)]


@pytest.fixture(scope="session")
def untrained_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an mdsm-tiny of the smallest sizes that has learned nothing; it knows a few words."""
    import torch
    from transformers import BertTokenizerFast

    from mdsm_ros.models.mdsm import MDSM_TINY
    from mdsm_ros.models.mdsm.network import MDSM

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "get", "the", "red", "cup", "on", "table"]
    config = replace(
        MDSM_TINY,
        image_size=64,
        swin_depths=(1, 1, 1, 1),
        swin_window_size=4,
        bert_num_layers=1,
        clip_image_size=64,
        clip_num_layers=1,
        refiner_channels=(32, 64),
    )
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("untrained_weights")
    MDSM(config, BertTokenizerFast(vocab={word: i for i, word in enumerate(words)})).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def public_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of huggingface_hub with tiny random checkpoints in place of the public ones."""
    from public_checkpoints import WRITERS, fill_cache

    cache = tmp_path_factory.mktemp("hub")
    fill_cache(cache, *WRITERS)
    return cache


@pytest.fixture
def public_models(public_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The public models can be loaded by name, without network; gives the cache."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(public_cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return public_cache
