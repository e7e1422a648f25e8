"""The console commands: help and advice without the extras, quick errors, and an end with Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from mdsm_ros.commands import main as mdsm
from mdsm_ros.commands.interrupt import INTERRUPTED
from mdsm_ros.commands.runner import NOBODY_READS, USER_ERROR, run_command
from mdsm_ros.errors import DatasetError
from mdsm_ros.extras import BASE, EXTRAS, extra_of, install_line, missing_text
from training import cli as data

ROOT = Path(__file__).resolve().parent.parent
SLACK = 4.0  # s beyond the second in which Ctrl-C ends a command; the machine of the tests is busy
TIMEOUT = 300.0  # s
SCRIPTS = ("train", "train_latent", "evaluate", "ablate", "compare", "calibrate")
IN_ONE_PROCESS = """
import contextlib, io, json, sys
import without_extras
without_extras.hide(base={base})
from mdsm_ros.commands import main as mdsm, nodes
from training import cli as data
results = {{}}
for words in json.loads(sys.argv[1]):
    sys.argv = words
    run = {{"mdsm": mdsm.main, "mdsm-data": data.main, "mdsm_node": nodes.node, "mdsm_sim": nodes.sim}}.get(words[0])
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            code = (run or getattr(data, words[0]))()
        except SystemExit as end:
            code = end.code
    results[" ".join(words)] = [code, out.getvalue(), errors.getvalue()]
print(json.dumps(results))
"""


def python(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "test")])
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd="/",  # python -c looks for packages there first
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )


def run_without_extras(commands: Sequence[Sequence[str]], *, base: bool = False) -> dict[str, tuple[int, str, str]]:
    """Exit code, stdout and stderr of each command, all in one process that finds no extra."""
    result = python(IN_ONE_PROCESS.format(base=base), json.dumps(commands))
    assert result.returncode == 0, result.stderr
    answers: dict[str, tuple[int, str, str]] = json.loads(result.stdout.splitlines()[-1])
    return answers


@pytest.mark.slow
def test_every_help_comes_without_the_extras() -> None:
    commands = [["mdsm", "--help"], ["mdsm", "--version"], ["mdsm-data", "--help"], ["mdsm_node", "-h"]]
    commands += [["mdsm", name, "--help"] for name in mdsm.COMMANDS]
    commands += [["mdsm-data", name, "--help"] for name in data.COMMANDS]
    commands += [[name, "--help"] for name in (*SCRIPTS, "mdsm_node", "mdsm_sim")]
    for words, (code, out, errors) in run_without_extras(commands).items():
        assert code in (0, None), (words, errors)
        assert "usage:" in out or "mdsm_ros" in out, words
        assert "Traceback" not in errors, words


def test_light_helps_come_without_any_package() -> None:
    commands = [["mdsm", "--help"], ["mdsm-data", "--help"], ["train", "--help"], ["mdsm_sim", "--help"]]
    commands += [["mdsm", name, "--help"] for name in mdsm.COMMANDS]
    for words, (code, out, errors) in run_without_extras(commands, base=True).items():
        assert (code, "usage:" in out) == (0, True), (words, errors)


@pytest.mark.slow
def test_a_missing_extra_is_named_with_the_line_that_installs_it(tmp_path: Path) -> None:
    (tmp_path / "bag").mkdir()
    (tmp_path / "x.mp4").touch()
    out = ["--out", str(tmp_path / "out")]
    expected = {
        ("mdsm", "sim"): ("mujoco, rclpy", "ros and sim"),
        ("mdsm", "demo", *out): ("rclpy", "ros"),
        ("mdsm", "demo", "--video", str(tmp_path / "x.mp4"), "--instruction", "get it"): ("av, rclpy", "ros and video"),
        ("mdsm", "replay", str(tmp_path / "bag"), "--live", *out): ("rclpy", "ros"),
        ("mdsm", "bench", "--node"): ("rclpy", "ros"),
        ("mdsm-data", "homes", "--library", "none", "--images", "1", *out): ("mujoco", "sim"),
        ("mdsm-data", "demo-bag", "--library", "none", "--out", str(tmp_path / "new")): ("mujoco", "sim"),
        ("mdsm_node",): ("rclpy", "ros"),
        ("mdsm_sim",): ("mujoco, rclpy", "ros and sim"),
    }
    answers = run_without_extras([list(words) for words in expected])
    for words, (modules, extras) in expected.items():
        code, _, errors = answers[" ".join(words)]
        assert code == USER_ERROR, errors
        assert "Traceback" not in errors, errors
        for part in (*modules.split(", "), *extras.split(" and ")):
            assert part in errors, errors
        assert install_line(*extras.split(" and ")) in errors, errors


def test_a_missing_requirement_of_the_package_itself_is_named(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"nothing")
    answers = run_without_extras([["mdsm", "segment", str(picture), "get it"], ["mdsm", "models"]], base=True)
    for code, _, errors in answers.values():
        assert code == USER_ERROR
        assert f"not installed; install with: {install_line()}" in errors


def test_the_table_of_extras_is_that_of_setup(tmp_path: Path) -> None:
    command = [sys.executable, "setup.py", "--quiet", "egg_info", "--egg-base", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    declared: dict[str, list[str]] = {BASE: []}
    extra = BASE
    for line in (tmp_path / "mdsm_ros.egg-info" / "requires.txt").read_text().split():
        if line.startswith("["):
            extra = line.strip("[]")
        else:
            declared.setdefault(extra, []).append(line)
    assert {name: sorted(of.values()) for name, of in EXTRAS.items()} == {
        name: sorted(of) for name, of in declared.items() if name != "test" and not name.startswith("ros-")
    }


def test_the_advice_fits_how_the_package_is_installed(tmp_path: Path) -> None:
    """A source tree, an installed wheel whose folder is still there, and a colcon workspace without it."""
    assert f"-e '{ROOT}[sim]'" in install_line("sim") or f"-e {ROOT}[sim]" in install_line("sim")
    code = "from mdsm_ros.extras import install_line; print(install_line('data', 'library'))"
    package = tmp_path / "site" / "mdsm_ros"
    package.mkdir(parents=True)
    for name in ("__init__", "errors", "extras"):
        (package / f"{name}.py").write_text((ROOT / "mdsm_ros" / f"{name}.py").read_text(encoding="utf-8"))
    line = python(code, PYTHONPATH=str(package.parent)).stdout
    assert "'plyfile>=1.0'" in line
    assert line.count("embreex") == 1  # which both extras bring
    info = tmp_path / "site" / "mdsm_ros-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mdsm_ros\nVersion: 1\n")
    (info / "direct_url.json").write_text(json.dumps({"url": ROOT.as_uri(), "dir_info": {}}))
    line = python(code, PYTHONPATH=str(package.parent)).stdout
    assert f"{ROOT}[data,library]" in line
    assert "-e " not in line


def test_no_message_names_the_package_on_an_index() -> None:
    for file in [*(ROOT / "mdsm_ros").rglob("*.py"), *(ROOT / "training").rglob("*.py")]:
        assert "mdsm_ros[" not in file.read_text(encoding="utf-8"), file
    assert extra_of("mujoco") == "sim"
    assert "which are not installed" in missing_text(["mujoco", "rclpy"], "x")


MODULE = """
import argparse
def add_arguments(parser): parser.add_argument("how")
def run(args):
    import mdsm_ros.errors as errors
    {body}
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "some_command.py").write_text(
        MODULE.format(
            body="""raise {
        "dataset": errors.DatasetError("no data"), "disk": OSError(28, "No space left on device", "/x"),
        "interrupt": KeyboardInterrupt(), "pipe": BrokenPipeError(), "bug": ZeroDivisionError(),
        "import": ModuleNotFoundError("No module named 'nonsense'", name="nonsense"),
        "extra": ModuleNotFoundError("No module named 'plyfile'", name="plyfile")}[args.how]"""
        )
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return "some_command"


@pytest.mark.parametrize(
    ("how", "code", "text"),
    [
        ("dataset", USER_ERROR, "x: error: no data"),
        ("disk", USER_ERROR, "x: error: [Errno 28] No space left on device: '/x'"),
        ("extra", USER_ERROR, "x: error: x needs plyfile, of the extra data, which is not installed"),
        ("interrupt", INTERRUPTED, ""),
        ("pipe", NOBODY_READS, ""),
    ],
)
def test_what_users_can_cause_is_one_line(
    command: str, how: str, code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command("x", command, [how]) == code
    errors = capsys.readouterr().err
    assert text in errors
    assert errors.count("\n") == bool(text)


@pytest.mark.parametrize(("how", "error"), [("bug", ZeroDivisionError), ("import", ModuleNotFoundError)])
def test_our_own_mistakes_are_not_hidden(command: str, how: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        run_command("x", command, [how])
    assert issubclass(DatasetError, ValueError)


@pytest.mark.slow
def test_errors_come_before_the_slow_imports(tmp_path: Path) -> None:
    picture = tmp_path / "photo.png"
    picture.write_bytes((ROOT / "docs" / "demo.png").read_bytes())
    empty = tmp_path / "empty"
    empty.mkdir()
    wrong = {
        ("segment", "nowhere.jpg", "get it"): "image 'nowhere.jpg' does not exist",
        ("segment", str(empty), "get it"): f"folder {str(empty)!r} holds 0 images and videos",
        ("segment", str(picture), str(picture)): "a file, expected a sentence",
        ("segment", str(picture), " "): "instruction is ' '",
        ("segment", str(picture), "get it", "--model", "clipsag"): "model is 'clipsag', expected one of mdsm-small",
        ("segment", str(picture), "get it", "--model", "/no/where"): "weights folder '/no/where' is not a folder",
        ("segment", str(picture), "get it", "--model", "runs/a/model"): "model is 'runs/a/model'",
        ("segment", str(picture), "get it", "--out", "overlay.nothing"): "image is 'overlay.nothing'",
        ("segment", str(picture), "get it", "--mask", str(tmp_path / "x.d")): "x.d'",
        ("attention", "nowhere.jpg", "get it"): "image 'nowhere.jpg' does not exist",
        ("demo", "--video", "x.mp4"): "--video needs at least one --instruction",
        ("demo", "--bag", "nowhere"): "bag 'nowhere' does not exist",
        ("demo", "--video", "nowhere.mp4", "--instruction", "get it"): "video 'nowhere.mp4' cannot be read",
        ("demo", "--photographs", "--model", "clipsag"): "model is 'clipsag'",
        ("replay", "nowhere", "--out", "x"): "bag 'nowhere' does not exist",
        ("convert", "nowhere.pth", "--out", "x"): "checkpoint is 'nowhere.pth', expected a file",
    }
    code = (
        "import sys, json; from mdsm_ros.commands.main import main\n"
        "for words in json.loads(sys.argv[1]): assert main(words) == 2, words\n"
        "print({'torch', 'transformers'} & set(sys.modules))"
    )
    result = python(code, json.dumps([list(words) for words in wrong]))
    assert result.stdout.strip() == "set()", result.stdout + result.stderr
    for line, text in zip(result.stderr.splitlines(), wrong.values(), strict=True):
        assert text in line


class Interrupted:
    """A command in a process group of its own, as a terminal starts it."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def interrupt_after(self, text: str, seconds: float = 0.0) -> tuple[float, int, str]:
        """Presses Ctrl-C some time after a line with this text; returns the seconds until the end, code and output."""
        assert self.process.stdout is not None
        seen = ""
        while text not in seen:
            line = self.process.stdout.readline()
            assert line, seen
            seen += line
        time.sleep(seconds)
        began = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        rest, _ = self.process.communicate(timeout=60)
        return time.monotonic() - began, self.process.returncode, seen + rest


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 0.5, 2.0])
def test_ctrl_c_ends_a_command_while_it_imports_or_loads(tmp_path: Path, seconds: float) -> None:
    picture = str(ROOT / "docs" / "demo.png")
    words = ["segment", picture, "get it", "--out", str(tmp_path / "o.png"), "--device", "cpu"]
    took, code, output = Interrupted("-m", "mdsm_ros.commands.main", *words).interrupt_after("loading", seconds)
    assert code == INTERRUPTED, output
    assert "Traceback" not in output
    assert took < 1 + SLACK


@pytest.mark.slow
def test_ctrl_c_in_a_destructor_is_quiet(tmp_path: Path) -> None:
    (tmp_path / "doomed.py").write_text(
        """
import time
class Doomed:
    def __del__(self):
        print("up", flush=True)
        time.sleep(99)
def add_arguments(parser): pass
def run(args):
    Doomed()
    time.sleep(99)
"""
    )
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from mdsm_ros.commands.runner import run_command\n"
    code += "sys.exit(run_command('x', 'doomed', None))"
    took, status, output = Interrupted("-c", code).interrupt_after("up", 0.2)
    assert (status, "Traceback" in output) == (INTERRUPTED, False), output
    assert took < 1 + SLACK


@pytest.mark.slow
def test_ctrl_c_ends_what_does_not_listen_and_what_it_started(tmp_path: Path) -> None:
    """A library that swallows KeyboardInterrupt, and a child that ignores SIGINT."""
    (tmp_path / "deaf.py").write_text(
        """
import subprocess, sys, time
def add_arguments(parser): pass
def run(args):
    child = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('up', flush=True); time.sleep(99)"
    process = subprocess.Popen([sys.executable, "-c", child])
    while True:
        try:
            time.sleep(99)
        except KeyboardInterrupt:
            pass
"""
    )
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from mdsm_ros.commands.runner import run_command\n"
    code += "sys.exit(run_command('x', 'deaf', None))"
    took, status, output = Interrupted("-c", code).interrupt_after("up")  # ends only when the child is gone, too
    assert (status, "Traceback" in output) == (INTERRUPTED, False)
    assert took < 1 + SLACK


@pytest.mark.slow
def test_ctrl_c_ends_worker_processes_without_tracebacks(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, {path!r}); from busy import main\nif __name__ == '__main__': sys.exit(main())"
    )
    (tmp_path / "busy.py").write_text(
        """
import time
from mdsm_ros.commands.runner import run_command
from training.workers import WorkerPool
def add_arguments(parser): pass
def work(number):
    print("working", flush=True)
    time.sleep(99)
def run(args):
    pool = WorkerPool(2)
    try:
        list(pool.map(work, range(9)))
    finally:
        pool.shutdown(cancel_futures=True)
def main():
    return run_command("x", "busy", None)
"""
    )
    script = tmp_path / "script.py"
    script.write_text(code.format(path=str(tmp_path)))
    took, status, output = Interrupted(str(script)).interrupt_after("working", 0.1)
    assert (status, "Traceback" in output) == (INTERRUPTED, False), output
    assert took < 1 + SLACK


@pytest.mark.slow
def test_the_command_line_costs_a_fraction_of_importing_pytorch() -> None:
    def cpu(code: str) -> float:
        measure = "import time; {}; print(); print(time.process_time())"
        return float(python(measure.format(code)).stdout.splitlines()[-1])

    call = (
        "import contextlib; from mdsm_ros.commands.main import main\nwith contextlib.suppress(SystemExit): main({})\n0"
    )
    torch = cpu("import torch")
    assert min(cpu(call.format("['--help']")) for _ in range(2)) < 0.1 * torch
    assert min(cpu(call.format("['models']")) for _ in range(2)) < 0.2 * torch
