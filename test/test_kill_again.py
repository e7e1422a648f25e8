"""scripts/kill_again.py with a command that takes no time: one that resumes well, and some that do not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from scripts.compare_folders import differences
from scripts.kill_again import Command, Usual, kill_all, kill_once, main, table, undisturbed

WHOLE = """
import json, os, sys, time
os.makedirs("out", exist_ok=True)
for number in range(5):
    time.sleep(0.02)
    with open("out/partial", "w") as file:
        json.dump({"number": number, "seconds": time.time()}, file)
    os.replace("out/partial", f"out/{number}.json")
"""
HALF = "import os, time; os.mkdir('out'); open('out/a', 'w').write('1'); time.sleep(5); open('out/b', 'w').write('2')"
SKIPS = "import os, time; os.path.exists('a') or (open('a', 'w').close(), time.sleep(30), open('b', 'w').close())"


def command(code: str) -> Command:
    return Command(("-c", code))


@pytest.mark.slow
@pytest.mark.parametrize("fork", [False, True])
def test_a_command_that_resumes_well_is_identical(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, fork: bool
) -> None:
    (tmp_path / "resumes_well.py").write_text(WHOLE)
    monkeypatch.syspath_prepend(tmp_path)
    well = Command(("-m", "resumes_well"), fork=True) if fork else command(WHOLE)
    rows = kill_all({"whole": well}, 4, 0, tmp_path / "runs")
    assert (rows["whole"].kills, rows["whole"].identical) == (4, 4), capsys.readouterr().out
    assert table(rows).splitlines()[-1].split() == ["all", "4", str(rows["whole"].hits), "4"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "expected"),
    [(SKIPS, ["b is missing"]), (HALF, ["the second run ended with 1: ", "out/b is missing"])],
)
def test_a_command_that_resumes_badly_is_told(tmp_path: Path, code: str, expected: list[str]) -> None:
    whole, place = tmp_path / "whole", tmp_path / "place"
    undisturbed_code = code.replace("time.sleep(5)", "0").replace("time.sleep(30)", "0")
    whole.mkdir()
    undisturbed(command(undisturbed_code), whole)
    late = random.Random(0)  # its first number is above FROM_START: the kill waits for the first file
    hit, wrong = kill_once(command(code), place, whole, Usual(0.0, 0.5), late)
    assert hit
    assert len(wrong) == len(expected)
    assert all(found.startswith(start) for found, start in zip(wrong, expected, strict=True)), wrong


def test_what_counts_as_a_difference(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, extra in ((one, 0), (two, 1)):
        folder.mkdir()
        (folder / "a.json").write_text(f'{{"mask": [1], "seconds": {extra}, "p50 seconds": {extra}}}')
        (folder / "b.jsonl").write_text(f'{{"score": {extra}, "seconds": {extra}}}\n')
        (folder / "page.html").write_text(f"{extra} s")
        (folder / f"events.out.tfevents.{extra}").write_bytes(b"")
        torch.save({"step": 1, "same": torch.ones(2), "note": [torch.tensor(0.0)]}, folder / "same.pt")
        torch.save({"step": 1, "note": [torch.tensor(-0.0 if extra else 0.0)]}, folder / "sign.pt")
        (folder / f"left{extra}").mkdir()
    assert differences(one, two) == [
        "left0 is missing",
        "left1 is left over",
        "b.jsonl differs",
        "sign.pt differs",
    ]


def test_an_undisturbed_run_has_to_work(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no such thing"):
        undisturbed(command("raise SystemExit('no such thing')"), tmp_path)


def test_the_names_are_those_of_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "nothing"])
    assert "'train', 'homes', 'merge', 'shards', 'convert', 'replay'" in capsys.readouterr().err.replace('"', "'")
