from __future__ import annotations

import pytest

from mdsm_ros.dataset.format import Instruction
from mdsm_ros.dataset.metrics import figures_table
from training.evaluation.analysis import (
    GROUPINGS,
    Answered,
    by_group,
    by_outcome,
    markdown_table,
    summarize_answers,
    traits,
    worst_refinements,
)


def answered(initial: tuple[int, int], refined: tuple[int, int] | None, **fields: object) -> Answered:
    counts = {"initial": initial} | ({"refined": refined} if refined else {})
    values = {"in_view": True, "present": True, "seconds": dict.fromkeys(counts, 1.0)} | fields
    return Answered(counts=counts, **values)  # type: ignore[arg-type]


def said(expressions: int, words: int, distractors: int, source: str = "homes") -> Instruction:
    return Instruction(1, 1, (1,), "", "test", source, expressions, distractors, words, "", "")


ANSWERS = [
    answered((5, 10), (8, 10), id=1, score=0.9, traits=traits(said(1, 10, 0), 0.009)),
    answered((9, 10), (6, 10), id=2, score=0.6, traits=traits(said(2, 11, 1, "eye"), 0.01)),
    answered((0, 0), (0, 0), in_view=False, present=False, score=0.2),
    answered((0, 4), (0, 4), in_view=False, score=0.7),
]


def test_summary_by_hand() -> None:
    result = summarize_answers(ANSWERS)
    assert result["initial"]["mIoU"] == pytest.approx(0.7)
    assert result["refined"]["gIoU"] == pytest.approx((0.8 + 0.6 + 1 + 0) / 4)
    assert result["refined"]["no-target accuracy"] == 0.5
    assert result["refined"]["presence AUC"] == 0.75
    assert result["refined"]["no-target accuracy at 0.9"] == 0.5  # the threshold is 0.6
    assert result["refined"]["P@0.8"] == 0.5  # inclusive
    assert result["refinement"] == pytest.approx({"mIoU gain": 0.0, "wins": 1, "losses": 1})


def test_instances_count_where_several_are_asked_for_and_in_view() -> None:
    several = [answered((5, 10), None, instances={"initial": (1, 3, 2)}), answered((9, 10), None)]
    figures = summarize_answers([*several, answered((0, 0), None, in_view=False, present=False)])["initial"]
    assert figures["instance recall"] == pytest.approx(1 / 3)
    assert figures["instance precision"] == 0.5
    assert "instance recall" not in summarize_answers(several[1:])["initial"]


def test_percentiles_of_the_time() -> None:
    slow = [answered((1, 1), None, seconds={"initial": float(i)}) for i in range(101)]
    result = summarize_answers(slow)
    assert set(result) == {"initial"}
    assert (result["initial"]["p50 seconds"], result["initial"]["p95 seconds"]) == (50.0, 95.0)


def test_groups_by_hand() -> None:
    groups = by_group(ANSWERS)
    assert groups["words"]["up to 10"] == pytest.approx(
        {
            "instructions": 1,
            "initial mIoU": 0.5,
            "initial P@0.5": 1,
            "refined mIoU": 0.8,
            "refined P@0.5": 1,
            "mIoU gain": 0.3,
            "wins": 1,
            "losses": 0,
        }
    )
    assert list(groups["mask area"]) == ["below 1 %", "1 to 5 %"]
    assert set(groups["distractors"]) == {"none", "1"}
    assert {label: row["refined mIoU"] for label, row in groups["source"].items()} == {"eye": 0.6, "homes": 0.8}


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((1, 10, 0, 0.0), ("1", "up to 10", "none", "below 1 %")),
        ((2, 20, 1, 0.05), ("2", "11 to 20", "1", "5 to 20 %")),
        ((7, 30, 2, 0.2), ("3 or more", "21 to 30", "2 or more", "20 % or more")),
        ((3, 31, 9, 1.0), ("3 or more", "more than 30", "2 or more", "20 % or more")),
    ],
)
def test_borders_of_the_groups(values: tuple[int, int, int, float], labels: tuple[str, ...]) -> None:
    expressions, words, distractors, share = values
    assert tuple(traits(said(expressions, words, distractors), share).values()) == (*labels, "homes")
    assert all(label in GROUPINGS[name][0] for name, label in zip(GROUPINGS, labels, strict=True))


def test_shares_of_what_masks_show() -> None:
    shown = [
        ("the target", "the target"),
        ("another kind, named", "the target"),
        ("nothing", "nothing"),
        ("no thing", "no thing"),
    ]
    answers = [answered((1, 2), (1, 2), outcome={"initial": initial, "refined": refined}) for initial, refined in shown]
    shares = by_outcome([*answers, answered((0, 1), (0, 1), in_view=False)])
    assert {name: share["initial"] for name, share in shares.items() if share["initial"]} == {
        "the target": 0.25,
        "another kind, named": 0.25,
        "no thing": 0.25,
        "nothing": 0.25,
    }
    assert shares["the target"]["refined"] == 0.5
    assert by_outcome(ANSWERS[2:]) == {}


def test_the_worst_come_first() -> None:
    answers = [answered((9, 10), (refined, 10), id=refined) for refined in (9, 3, 8, 5)]
    assert [a.id for a in worst_refinements(answers, 2)] == [3, 5]
    assert [a.id for a in worst_refinements(answers, 9)] == [3, 5, 8]


def test_tables() -> None:
    table = markdown_table({"a": summarize_answers(ANSWERS)})
    assert "| a, refined | 0.700 |" in table
    assert "a: refinement changes mIoU by +0.0000, 1 wins, 1 losses" in table
    assert figures_table("x", {"b": {"n": 12.0, "y": 0.5}, "c": {"y": 1.0}}).splitlines() == [
        "| x | n | y |",
        "|---|---|---|",
        "| b | 12 | 0.500 |",
        "| c |  | 1.000 |",
    ]
