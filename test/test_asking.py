"""Questions about a frame, replies over several frames, and their evaluation with a simulated person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mdsm_ros.dataset.format import Dataset
from mdsm_ros.dataset.writer import DatasetWriter
from mdsm_ros.errors import ReplyError
from mdsm_ros.geometry import Camera
from mdsm_ros.inference.answer import Segmentation
from mdsm_ros.inference.asking.decision import Choice, Decision, decide
from mdsm_ros.inference.asking.dialogue import Dialogue
from mdsm_ros.inference.asking.finder import NounFinder
from mdsm_ros.inference.instances import Instance
from mdsm_ros.inference.settings import InferenceSettings
from mdsm_ros.language.referring.candidates import View
from training.cli import main
from training.evaluation.asking.instructions import asked_of, without_clauses
from training.evaluation.asking.stand_in import TrueFinder, categories_of

HEIGHT, WIDTH = 60, 120
IMAGE = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)


def square(column: int, row: int = 20, side: int = 12) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[row : row + side, column : column + side] = True
    return mask


def seen(instruction: str, *masks: np.ndarray, choice: Choice | None = None, margin: float = 0.25) -> Decision:
    """The decision about a frame in which these are cups and nothing else is found."""

    def find(noun: str) -> Sequence[Instance]:
        return [Instance(mask, 0.9) for mask in masks] if noun == "cup" else []

    return decide(View(IMAGE), instruction, find, margin=margin, choice=choice)


def test_only_what_the_clauses_leave_open_is_asked() -> None:
    pair = (square(10), square(80))
    decision = seen("get the cup", *pair)
    assert decision.question is not None
    assert decision.question.text == "Which cup: the left one or the right one?"
    assert seen("get the cup", *pair, margin=0.0).question is None
    left = seen("get the left cup", *pair)
    assert left.question is None
    assert left.best is not None
    np.testing.assert_array_equal(left.best.mask, pair[0])
    assert seen("get the cup", pair[0]).question is None
    assert seen("get the book", *pair) == Decision((), (), None, None)
    assert seen("get the cup next to the lamp", *pair).question is not None  # nobody sees a lamp


def test_a_detectors_landmarks_decide_and_its_scores_hardly() -> None:
    found = {
        "pillow": [Instance(square(10), 0.8), Instance(square(80), 0.5)],
        "radio": [Instance(square(100, 30), 0.4)],
    }
    near = decide(View(IMAGE), "get the pillow nearest to the radio", lambda noun: found.get(noun, []), margin=0.2)
    assert near.question is None
    assert near.best is found["pillow"][1]
    assert decide(View(IMAGE), "get the pillow", lambda noun: found.get(noun, []), margin=0.2).question is not None


def test_crumbs_are_no_candidates() -> None:
    assert seen("get the cup", square(10), square(80, side=3)).question is None


def test_the_answer_counts_and_adds_what_the_noun_missed() -> None:
    probability = np.where(square(80), 0.9, np.where(square(10), 0.2, 0.0)).astype(np.float32)
    answer = Segmentation(square(80), probability, None, 0.9, True, "initial", {})
    both = [Instance(square(10), 0.9), Instance(square(80), 0.9)]
    sure = decide(View(IMAGE), "get the cup", lambda noun: both, margin=0.25, answer=answer)
    assert sure.question is None
    assert sure.best is both[1]
    missed = decide(View(IMAGE), "get the cup", lambda noun: both[:1], margin=0.25, answer=answer)
    assert len(missed.candidates) == 2


def test_a_choice_is_known_again() -> None:
    choice = Choice("the right one", (80 / WIDTH, 20 / HEIGHT, 92 / WIDTH, 32 / HEIGHT))
    near = seen("get the cup", square(14), square(84), choice=choice)
    assert near.question is None
    assert near.best is not None
    np.testing.assert_array_equal(near.best.mask, square(84))
    far = seen("get the cup", square(30), square(100), choice=choice)
    assert far.best is not None
    np.testing.assert_array_equal(far.best.mask, square(100))


def test_a_dialogue_asks_once_and_ends_with_the_scene() -> None:
    dialogue = Dialogue()
    assert not dialogue.begin("get the cup")
    with pytest.raises(ReplyError, match="no question is open"):
        dialogue.reply("left")
    first = seen("get the cup", square(10), square(80))
    assert dialogue.note("get the cup", first).question is first.question
    moved = dialogue.note("get the cup", seen("get the cup", square(12), square(82)))
    assert (moved.question, moved.expired) == (None, "")
    assert dialogue.question is not None
    assert dialogue.question.options[1].candidate.box[0] == 82 / WIDTH
    other = dialogue.note("get the cup", seen("get the cup", square(40), square(100)))
    assert other.expired == "the scene changed"
    assert other.question is not None
    assert dialogue.note("get the cup", seen("get the cup", square(40))).expired == "the scene changed"
    assert dialogue.question is None
    dialogue.note("get the cup", first)
    assert dialogue.note("get the book", first).question is None  # an answer that came too late
    assert dialogue.reply("the second") == "the right one"
    choice = dialogue.choice_for("get the cup")
    assert choice is not None
    assert choice.box[0] == 80 / WIDTH
    assert dialogue.note("get the cup", first).outdated  # decided before the reply, the left one is as good there
    assert dialogue.choice_for("get the cup") is choice
    dialogue.note("get the cup", seen("get the cup", square(10), square(84), choice=choice), choice)
    followed = dialogue.choice_for("get the cup")
    assert followed is not None
    assert followed.box[0] == 84 / WIDTH
    assert dialogue.choice_for("get the book") is None
    assert not dialogue.begin("get the book")


def test_neither_keeps_the_peace() -> None:
    dialogue = Dialogue()
    dialogue.begin("get the cup")
    frame = seen("get the cup", square(10), square(80))
    dialogue.note("get the cup", frame)
    assert dialogue.reply("neither") is None
    assert dialogue.note("get the cup", frame).question is None
    assert dialogue.choice_for("get the cup") is None


def test_a_noun_is_looked_for_once_and_by_the_first_stage() -> None:
    asked: list[tuple[str, int]] = []

    class Red:
        finds_objects = False

        def segment(
            self, image: np.ndarray, instruction: str, settings: InferenceSettings | None = None
        ) -> Segmentation:
            assert settings is not None
            asked.append((instruction, settings.num_inference_steps))
            mask = square(10) | square(80)
            return Segmentation(mask, mask.astype(np.float32), None, 0.9, "cup" in instruction, "initial", {})

    find = NounFinder(Red(), IMAGE, InferenceSettings(num_inference_steps=4))
    assert len(find("cup")) == len(find("cup")) == 2
    assert list(find("lamp")) == []
    assert list(find("")) == list(find("a" * 1000)) == []  # no noun is known: these make no instruction
    assert asked == [("find the cup", 0), ("find the lamp", 0)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Go in and get the red mug next to the sink.", "Go in and get the mug."),
        ("dust the box that's between the bed and the lamp please", "dust the box please"),
        ("Take the leftmost cup", "Take the cup"),
        ("take the cup", "take the cup"),
    ],
)
def test_deciding_clauses_are_taken_out(text: str, expected: str) -> None:
    assert without_clauses(text) == expected


def test_a_noun_means_the_categories_that_go_by_it() -> None:
    known = {"mug", "side table", "table", "lamp"}
    assert categories_of("cup", known) == {"mug"}
    assert categories_of("dusty end table", known) == {"side table"}
    assert categories_of("unicorn", known) == set()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A red mug on the left of a lamp, a blue one on the right of it."""
    root = tmp_path_factory.mktemp("asking") / "mugs"
    image = np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8)
    image[square(10)], image[square(80)] = (200, 20, 20), (20, 40, 200)
    depth = np.full((HEIGHT, WIDTH), 2.0, dtype=np.float32)
    with DatasetWriter(root, ["mug", "lamp"]) as writer:
        image_id = writer.add_image(image, depth=depth, camera=Camera(100.0, 100.0, WIDTH / 2, HEIGHT / 2))
        left = writer.add_annotation(image_id, "mug", square(10), {"color": "red"})
        right = writer.add_annotation(image_id, "mug", square(80), {"color": "blue"})
        lamp = writer.add_annotation(image_id, "lamp", square(45, 5))
        for target, text in (
            (left, "get the cup to the left of the lamp"),
            (right, "get the rightmost mug"),
            (right, "get the blue mug"),
            (lamp, "switch on the lamp"),
        ):
            writer.add_instruction(
                image_id, [target], text, split="test", source="test", expressions=1, distractors=int(target != lamp)
            )
    return root


def test_instructions_are_made_ambiguous_where_there_are_rivals(data: Path) -> None:
    dataset = Dataset(data)
    asked = list(asked_of(dataset, dataset.instructions))
    assert [one.text for one in asked if one.ambiguous] == ["get the cup", "get the mug", "get the mug"]
    assert [one.rivals for one in asked if not one.ambiguous] == [1, 1, 1, 0]
    assert len(TrueFinder(dataset, 1)("cup")) == 2


def test_the_command_with_a_perfect_detector(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "ask.json"
    assert main(["ask", "--data", str(data), "--model", "true", "--steps", "2"]) == 2
    assert "--steps is 2, expected none with --model true" in capsys.readouterr().err
    assert main(["ask", "--data", str(data), "--model", "true", "--limit", "8", "--out", str(out)]) == 0
    content = json.loads(out.read_text())
    assert (
        content["metrics"]["ambiguous"] | {"asked": 1.0, "mIoU after the reply": 1.0} == content["metrics"]["ambiguous"]
    )
    assert content["metrics"]["clear"] | {"asked": 0.0, "mIoU picked by relations": 1.0} == content["metrics"]["clear"]
    questions = {record["question"] for record in content["records"] if record["ambiguous"]}
    assert questions <= {
        "Which cup: the red one or the blue one?", "Which mug: the red one or the blue one?"
    }  # fmt: skip
    assert "| ambiguous | 3 | 1" in capsys.readouterr().out
