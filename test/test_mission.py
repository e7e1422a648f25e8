"""docs/mission.yaml names what exists: every command, with every option and argument, is one that can be run."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from mdsm_ros.commands import main as mdsm
from mdsm_ros.models.families import presets
from scripts.mission import ELSEWHERE, WORKS, Row, read_mission
from training import cli
from training.evaluation import ablate, compare, grounded

ROOT = Path(__file__).resolve().parent.parent
ROWS = [row for system in read_mission() for row in system.rows]
NUMBER = 83
MOST_ELSEWHERE = 12
GROUPS: Mapping[str, Mapping[str, tuple[str, str]]] = {"mdsm": mdsm.COMMANDS, "mdsm-data": cli.COMMANDS}
EXECUTABLES = {
    "mdsm-train": "training.train.command",
    "mdsm-train-latent": "training.latent.command",
    "mdsm-evaluate": "training.evaluation.evaluate",
    "mdsm-ablate": "training.evaluation.ablate",
    "mdsm-compare": "training.evaluation.compare",
    "mdsm-calibrate": "training.evaluation.calibrate",
}


def configs_of(args: argparse.Namespace | None) -> list[Path]:
    """The training configurations that a command names."""
    paths = [getattr(args, name, None) for name in ("config", "mdsm", "vpd")]
    return [path for path in paths if isinstance(path, Path)]


def parse(command: str) -> argparse.Namespace | None:
    """The parsed command; None for one of make, ROS or the shell, which exists.

    Raises:
        SystemExit: The command does not exist, or an option is wrong.
    """
    name, *words = shlex.split(command)
    if name == "make":
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE), command
        return None
    if name == "ros2":
        assert words[:2] == ["launch", "mdsm_ros"]
        assert (ROOT / "launch" / words[2]).is_file(), command
        return None
    if name.startswith("scripts/"):
        assert (ROOT / name).is_file(), command
        return None
    module = GROUPS[name][words.pop(0)][0] if name in GROUPS else EXECUTABLES[name]
    parser = argparse.ArgumentParser(prog=command)
    import_module(module).add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.id))
def test_commands_can_be_run(row: Row) -> None:
    for command in row.commands:
        args = parse(command)
        for config in configs_of(args):
            assert (ROOT / config).is_file(), command
        if command.startswith("mdsm-ablate"):
            known = grounded.VARIANTS if "grounded" in str(args.config) else ablate.VARIANTS  # type: ignore[union-attr]
            assert set(args.variants or []) <= set(known), command  # type: ignore[union-attr]
        if command.startswith("mdsm-compare"):
            check_compared(args)


@pytest.mark.parametrize("page", ["results", "diffusion", "models"])
def test_commands_of_comparisons_in_other_pages(page: str) -> None:
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^    (?:\.venv/bin/)?(mdsm-(?:compare|ablate) --.*)$", text, re.MULTILINE):
        args = parse(line.partition("  #")[0])
        assert all((ROOT / path).is_file() for path in configs_of(args)), line
        if line.startswith("mdsm-compare"):
            check_compared(args)


def check_compared(args: argparse.Namespace | None) -> None:
    """Sees to it that ``mdsm-compare`` takes these configurations for these variants."""
    assert args is not None
    options = {compare.option_of(name) for name in args.variants or []}
    given = {option for option, path in (("--mdsm", args.mdsm), ("--vpd", args.vpd)) if path is not None}
    assert options == given or (not options and given)


def test_the_data_of_the_rows_come_from_commands_that_can_be_run() -> None:
    """What is made has the name, the split and the sources that the rows want."""
    lines = (ROOT / "docs/mission.md").read_text(encoding="utf-8").splitlines()
    made = {args.out: args for line in lines if line.startswith("    mdsm-data") if (args := parse(line)) is not None}
    homes = {"homes": "train", "train": "train", "val": "val", "test": "test", "views-test": "test"}
    others = ("photographs", "mix", "asked", "asked-test", "grounding", "grounding-test")
    assert set(made) == {Path("data") / name for name in (*others, *homes)}
    assert {name: made[Path("data") / name].split for name in homes} == homes
    photographs = made[Path("data/photographs")]
    assert photographs.test > 0  # a split that nothing is trained on
    assert all((ROOT / path).is_file() for path in photographs.sentences)  # the source "eye"


def test_mixtures_of_sources_are_asked_only_of_data_that_have_them() -> None:
    asked = {}
    for command in (command for row in ROWS for command in row.commands):
        args = parse(command)
        for config in configs_of(args):
            if yaml.safe_load((ROOT / config).read_bytes()).get("mixture"):
                asked[command] = args.data  # type: ignore[union-attr]
    assert set(asked.values()) == {"data/mix"}


def test_the_study_of_times_has_every_preset() -> None:
    text = (ROOT / "scripts/studies.sh").read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.search(r"for preset in ([^;]*);", text)
    assert found is not None
    assert set(found[1].split()) == set(presets())


def test_every_row_is_there_once() -> None:
    assert [row.id for row in ROWS] == list(range(1, NUMBER + 1))


def test_the_index_of_results_leads_to_every_row() -> None:
    text = (ROOT / "docs/results.md").read_text(encoding="utf-8").partition("\n## ")[0]
    referenced: set[int] = set()
    for cell in re.findall(r"\| ([\d, to]+) \|$", text, re.MULTILINE):
        for part in cell.split(", "):
            first, _, last = part.partition(" to ")
            referenced |= set(range(int(first), int(last or first) + 1))
    assert referenced == set(range(1, NUMBER + 1))


def test_rows_work_or_say_why_not() -> None:
    assert {row.state for row in ROWS} == {WORKS, ELSEWHERE}
    elsewhere = [row for row in ROWS if row.state == ELSEWHERE]
    assert len(elsewhere) <= MOST_ELSEWHERE
    assert [row.id for row in elsewhere if not row.note] == []


def test_what_does_not_exist_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("mdsm-evaluate --data data/test --no-such-option")
    assert "--no-such-option" in capsys.readouterr().err
    with pytest.raises(KeyError):
        parse("mdsm-data no-such-command")
    with pytest.raises(AssertionError):
        parse("make no-such-target")
