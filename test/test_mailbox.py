from __future__ import annotations

import threading

from mdsm_ros.ros.mailbox import Mailbox


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
