from __future__ import annotations

import threading

from mdsm_ros.ros.mailbox import Mailbox, Turns


def test_a_new_item_replaces_the_one_that_waits() -> None:
    mailbox: Mailbox[int] = Mailbox()
    assert mailbox.put(1) is None
    assert mailbox.put(2) == 1
    assert mailbox.take() == 2
    assert mailbox.put(3) is None


def test_take_waits_for_an_item() -> None:
    mailbox: Mailbox[int] = Mailbox()
    taken: list[int | None] = []
    thread = threading.Thread(target=lambda: taken.append(mailbox.take()))
    thread.start()
    mailbox.put(1)
    thread.join(timeout=10)
    assert taken == [1]


def test_closing_ends_waiting_and_drops_the_item() -> None:
    mailbox: Mailbox[int] = Mailbox()
    taken: list[int | None] = []
    thread = threading.Thread(target=lambda: taken.append(mailbox.take()))
    thread.start()
    mailbox.close()
    thread.join(timeout=10)
    mailbox.put(1)
    assert mailbox.take() is None
    assert taken == [None]
    assert mailbox.closed


def test_senders_take_turns() -> None:
    turns: Turns[str] = Turns()
    replaced = [turns.put(item[0], item) for item in ("a1", "b1", "a2", "c1")]
    assert replaced == [None, None, "a1", None]
    assert [turns.take(), turns.take()] == ["a2", "b1"]
    turns.put("a", "a3")
    turns.put("b", "b3")
    assert [turns.take() for _ in range(3)] == ["c1", "a3", "b3"]  # who was served longest ago comes first
    turns.put("b", "b4")
    assert turns.take() == "b4"  # nobody waits for a sender that sends nothing


def test_a_fast_sender_does_not_hold_a_slow_one_up() -> None:
    turns: Turns[int] = Turns()
    taken = []
    for number in range(6):
        turns.put("fast", number)
        if number in (1, 4):
            turns.put("slow", -number)
        taken.append(turns.take())
    assert taken == [0, -1, 2, 3, -4, 5]


def test_closing_ends_all_turns() -> None:
    turns: Turns[int] = Turns()
    turns.put("a", 1)
    turns.close()
    assert turns.take() is None
    assert turns.closed
