"""The catalog and its downloads, against a local server in place of the hub."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hub_server import COMMIT, Hub, serve
from huggingface_hub import constants
from PIL import Image
from public_checkpoints import write_clipseg
from safetensors.torch import save_file

from mdsm_ros.checkpoints.catalog import catalog
from mdsm_ros.commands.main import main
from mdsm_ros.models.stable_diffusion.config import StableDiffusionConfig

pytestmark = pytest.mark.slow

CLIPSEG = "CIDAS/clipseg-rd64-refined"


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repositories")
    write_clipseg(root / CLIPSEG)
    (root / CLIPSEG / "pytorch_model.bin").write_bytes(b"a pickle")
    return root


@pytest.fixture
def hub(repositories: Path) -> Iterator[Hub]:
    with serve(repositories) as hub:
        yield hub


def in_process(*arguments: str, home: Path, endpoint: str) -> subprocess.CompletedProcess[str]:
    """Runs the command as users do, with a cache and a hub of its own."""
    variables = {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1"}
    return subprocess.run(
        [sys.executable, "-m", "mdsm_ros.commands.main", *arguments],
        env={name: value for name, value in os.environ.items() if not name.startswith("HF_")} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    errors: str


Run = Callable[..., Ended]


@pytest.fixture
def run_mdsm(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs the command in this process, where huggingface_hub reads its variables anew, as a new process would."""

    def run(*arguments: str, home: Path, endpoint: str, **variables: str) -> Ended:
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("HF_")]:
                patch.delenv(name)
            variables |= {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1"}
            for name, value in variables.items():
                patch.setenv(name, value)
            importlib.reload(constants)
            capsys.readouterr()
            return Ended(main(arguments), capsys.readouterr().err)

    yield run
    importlib.reload(constants)


def error_of(result: Ended) -> str:
    """The error of a command that the user can put right."""
    assert result.status == 2, result.errors
    assert "Traceback" not in result.errors
    return result.errors.strip().splitlines()[-1]


def cached_files(home: Path) -> set[str]:
    snapshot = home / "hub" / f"models--{CLIPSEG.replace('/', '--')}" / "snapshots" / COMMIT
    return {path.name for path in snapshot.glob("*")}


def test_a_downloaded_model_answers_without_network(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (80, 60)).save(tmp_path / "photo.png")
    result = in_process("download", "clipseg", home=tmp_path, endpoint=hub.url)
    assert result.returncode == 0, result.stderr
    assert "100%" in result.stderr  # the progress bar
    assert {"config.json", "model.safetensors", "vocab.json", "merges.txt"} <= cached_files(tmp_path)
    assert "pytorch_model.bin" not in cached_files(tmp_path)
    asked = len(hub.requests)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    options = ["--model", "clipseg", "--device", "cpu", "--out", str(tmp_path / "overlay.png")]
    assert main(["segment", str(tmp_path / "photo.png"), "get the red cup", *options]) == 0
    assert (tmp_path / "overlay.png").is_file()
    listed = in_process("models", home=tmp_path, endpoint=hub.url)
    states = {line.split()[0]: line.split("  ")[1:] for line in listed.stdout.splitlines()[1:]}
    assert "cached" in [part.strip() for part in states["clipseg"]]
    assert "not here" in [part.strip() for part in states["sam3"]]
    assert "embedded" in [part.strip() for part in states["mdsm-small"]]
    assert len(hub.requests) == asked


def test_a_connection_that_breaks_is_taken_up_where_it_broke(hub: Hub, run_mdsm: Run, tmp_path: Path) -> None:
    content = {"weight": torch.arange(6_000_000, dtype=torch.float32)}  # more than the client takes at a time
    (hub.root / "someone/large").mkdir(parents=True)
    save_file(content, hub.root / "someone/large/model.safetensors")
    hub.breaks["model.safetensors"] = 1
    result = run_mdsm("download", "someone/large", home=tmp_path, endpoint=hub.url)
    assert result.status == 0, result.errors
    asked = [first for method, path, first in hub.requests if method == "GET" and path.endswith("model.safetensors")]
    assert asked == [None, f"bytes={10 * 2**20}-"]


def test_what_is_there_is_not_downloaded_again(hub: Hub, run_mdsm: Run, tmp_path: Path) -> None:
    for _ in range(2):
        assert run_mdsm("download", "clipseg", home=tmp_path, endpoint=hub.url).status == 0
    asked = [path for method, path, _ in hub.requests if method == "GET" and path.endswith("model.safetensors")]
    assert len(asked) == 1


def test_a_damaged_file_is_noticed_and_fetched_anew(hub: Hub, run_mdsm: Run, tmp_path: Path) -> None:
    hub.damaged = {"model.safetensors"}
    error = error_of(run_mdsm("download", "clipseg", home=tmp_path, endpoint=hub.url))
    assert "model.safetensors arrived damaged" in error
    assert "model.safetensors" not in cached_files(tmp_path)
    hub.damaged = set()
    assert run_mdsm("download", "clipseg", home=tmp_path, endpoint=hub.url).status == 0
    assert "model.safetensors" in cached_files(tmp_path)


def test_a_gated_model_says_how_to_get_access(hub: Hub, run_mdsm: Run, tmp_path: Path) -> None:
    hub.gated = {CLIPSEG}
    error = error_of(run_mdsm("download", "clipseg", home=tmp_path, endpoint=hub.url))
    assert "hf auth login" in error
    assert f"{hub.url}/{CLIPSEG}" in error


def test_a_repository_that_does_not_exist(hub: Hub, run_mdsm: Run, tmp_path: Path) -> None:
    assert "nobody/nothing does not exist" in error_of(
        run_mdsm("download", "nobody/nothing", home=tmp_path, endpoint=hub.url)
    )


def test_a_public_model_that_is_not_here_says_how_to_get_it(hub: Hub, run_mdsm: Run, tmp_path: Path) -> None:
    Image.new("RGB", (80, 60)).save(tmp_path / "photo.png")
    words = ["segment", str(tmp_path / "photo.png"), "get the cup", "--device", "cpu", "--model", "clipseg"]
    for environment in ({"HF_HUB_OFFLINE": "1"}, {}):
        hub.down = True
        error = error_of(run_mdsm(*words, home=tmp_path, endpoint=hub.url, **environment))
        assert "clipseg is a public model" in error
        assert "mdsm download clipseg" in error
        assert "no name" not in error


def test_a_hub_that_is_down(hub: Hub, run_mdsm: Run, tmp_path: Path) -> None:
    hub.down = True
    error = error_of(run_mdsm("download", "clipseg", home=tmp_path, endpoint=hub.url))
    assert f"{hub.url} answered 503; try again later" in error


def test_what_is_cached_but_cannot_be_checked(hub: Hub, run_mdsm: Run, tmp_path: Path) -> None:
    assert run_mdsm("download", "clipseg", home=tmp_path, endpoint=hub.url).status == 0
    error = error_of(run_mdsm("download", "clipseg", home=tmp_path, endpoint=hub.url, HF_HUB_OFFLINE="1"))
    assert f"{CLIPSEG} is in the cache, but cannot be checked: HF_HUB_OFFLINE is set" in error


def test_pickles_are_not_downloaded(hub: Hub, run_mdsm: Run, tmp_path: Path) -> None:
    pickled = hub.root / "someone/pickled"
    pickled.mkdir(parents=True)
    (pickled / "config.json").write_text("{}")
    (pickled / "pytorch_model.bin").write_bytes(b"a pickle")
    assert "no .safetensors" in error_of(run_mdsm("download", "someone/pickled", home=tmp_path, endpoint=hub.url))


@pytest.mark.parametrize(("variables", "advice"), [({}, "cannot be reached"), ({"HF_HUB_OFFLINE": "1"}, "unset it")])
def test_without_network_the_error_says_what_to_do(
    run_mdsm: Run, tmp_path: Path, variables: dict[str, str], advice: str
) -> None:
    error = error_of(run_mdsm("download", "clipseg", home=tmp_path, endpoint="http://127.0.0.1:9", **variables))
    assert error.startswith(f"mdsm: error: {CLIPSEG} cannot be downloaded")
    assert advice in error
    assert f"copy the cache ({tmp_path / 'hub'})" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clipsag"], "'clipsag', expected OWNER/NAME on the hub or one of clipseg"),
        (["mdsm-small"], "nothing to download"),
        (["grounded-sam2", "--revision", "v1"], "facebook/sam2.1-hiera-small by themselves"),
        (["a/b/c"], "is not a hub id"),
    ],
)
def test_names_that_cannot_be_downloaded(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["download", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_downloads_need_no_heavy_library() -> None:
    heavy = "{'torch', 'transformers', 'timm', 'diffusers'}"
    script = f"import sys, mdsm_ros.checkpoints.download; print(*{heavy} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_the_catalog_lists_what_training_starts_from() -> None:
    assert catalog()["stable-diffusion-1.5"].repositories[0].name == StableDiffusionConfig().checkpoint
