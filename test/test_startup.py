"""What commands and models import when they start: only what they need. What that costs: ``make bench-start``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mdsm_ros.commands.bench.start import cpu_seconds, measure, table
from mdsm_ros.errors import BenchError
from mdsm_ros.models.families import families

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = {"torch", "torchvision", "timm", "transformers", "diffusers", "peft", "accelerate", "scipy", "sympy"}
COMPILER = {"torch._dynamo", "torch._inductor", "triton"}
COMMANDS = """
import contextlib, io, json, re, sys
from mdsm_ros.checkpoints import catalog
from mdsm_ros.commands import main as cli

def run(*words):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            return cli.main(words), printed.getvalue()
        except SystemExit as end:
            return end.code, printed.getvalue()

code, text = run("--help")
codes = {"--help": code}
for name in re.findall(r"^    (\\w+)\\s", text, re.MULTILINE):
    codes[name] = run(name, "--help")[0]
codes["mdsm models"] = run("models")[0]

def interrupted():
    raise KeyboardInterrupt

catalog.table = interrupted
codes["interrupted"] = run("models")[0]
# what worker processes import, and commands that load a model late or never
import mdsm_ros.replay.run, training.datasets.stats, training.homes.render, training.shimrie.build
print(json.dumps([codes, sorted(sys.modules)]))
"""
MODELS = """
import json, sys
import numpy as np
steps = {}

def note(name):
    steps[name] = sorted(sys.modules)

from mdsm_ros.models import families
families.families()
note("families")
from mdsm_ros.segmenter import Segmenter
note("segmenter")
segmenter = Segmenter.from_pretrained("mdsm-small", device="cpu")
note("loaded")
segmenter.segment(np.zeros((60, 80, 3), dtype=np.uint8), "get the red cup")
note("answered")
import mdsm_ros.models.clipseg.network
note("clipseg")
print(json.dumps(steps))
"""


def python(code: str, **environment: str) -> object:
    """What a new process prints last, as JSON."""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.slow
def test_help_the_list_of_models_ctrl_c_and_workers_need_no_library(tmp_path: Path) -> None:
    found = python(COMMANDS, HF_HUB_CACHE=str(tmp_path))
    assert isinstance(found, list)
    codes, modules = found
    assert len(codes) >= 12
    assert codes.pop("interrupted") == 130
    assert set(codes.values()) == {0}
    assert sorted(LIBRARIES & set(modules)) == []


@pytest.mark.slow
def test_a_model_imports_what_it_needs_when_it_is_loaded_and_nothing_when_it_answers() -> None:
    steps = python(MODELS)
    assert isinstance(steps, dict)
    modules = {name: set(names) for name, names in steps.items()}
    networks = {family.network.split(":")[0] for family in families()}
    assert sorted(modules["families"] & (LIBRARIES | networks)) == []
    assert sorted(modules["segmenter"] & (LIBRARIES | {"huggingface_hub"} | COMPILER | networks)) == []
    assert sorted(modules["loaded"] & (LIBRARIES | COMPILER)) == ["torch", "transformers"]  # for the tokenizer
    assert modules["loaded"] & networks == {"mdsm_ros.models.mdsm.network"}
    assert "mdsm_ros.checkpoints.encoder_checkpoints" not in modules["loaded"]
    late = modules["answered"] - modules["loaded"]
    assert sorted(name for name in late if not name.startswith("PIL.")) == []  # Pillow imports its own parts late
    assert sorted(modules["clipseg"] & {"timm", "diffusers"}) == []


@pytest.mark.parametrize(("chosen", "seen"), [("", "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_one_answer_waits_asleep_and_leaves_the_environment_as_it_was(chosen: str, seen: str, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("import os\nseen = os.environ['OMP_WAIT_POLICY']\n")
    code = f"""
import json, os, sys
sys.path.insert(0, {str(tmp_path)!r})
os.environ.pop("OMP_WAIT_POLICY", None)
os.environ.update(dict(OMP_WAIT_POLICY={chosen!r}) if {chosen!r} else dict())
from mdsm_ros.inference.threads import import_torch_for_one_answer
import_torch_for_one_answer()
import torch
print(json.dumps([torch.seen, os.environ.get("OMP_WAIT_POLICY", "")]))
"""
    assert python(code) == [seen, chosen]


@pytest.mark.slow
def test_cpu_seconds_are_of_the_process_and_its_failure_is_told() -> None:
    quick, busy = cpu_seconds("-c", "pass"), cpu_seconds("-c", "import time\nwhile time.process_time() < 0.5: pass")
    assert quick < busy
    assert busy >= 0.5
    with pytest.raises(BenchError, match=r"(?s)ended with 1: .*ValueError: so it is"):
        cpu_seconds("-c", "raise ValueError('so it is')")


def test_the_table_has_medians_and_ratios_to_the_first_row() -> None:
    first, second = iter([9.0, 2.0, 1.0, 3.0]), iter([9.0, 1.0, 8.0, 1.0])
    measured = measure({"import torch": lambda: next(first), "--help": lambda: next(second)}, runs=3)
    assert measured == {"import torch": [2.0, 1.0, 3.0], "--help": [1.0, 8.0, 1.0]}
    assert table(measured).splitlines()[2:] == ["| `import torch` | 2.00 | 1.00 |", "| `--help` | 1.00 | 0.50 |"]
