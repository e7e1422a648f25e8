"""Mailboxes that hold the newest item only, never a queue: one slot, or one for each sender, which take turns."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Passes items from one thread to another; a new item replaces one that was not taken."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: T | None = None
        self._closed = False

    def put(self, item: T) -> T | None:
        """Stores ``item`` without waiting; returns the item that it replaces, if any."""
        with self._changed:
            replaced, self._item = self._item, item
            self._changed.notify()
            return replaced

    def take(self) -> T | None:
        """Waits for an item; returns None once the mailbox is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._item is not None)
            if self._closed:
                return None
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Ends every present and future ``take``; an item that was not taken is lost."""
        with self._changed:
            self._closed = True
            self._item = None
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closed


class Turns(Generic[T]):
    """A mailbox with a slot for each sender. The senders take turns: none waits for another that sends nothing."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: dict[str, T] = {}  # by sender
        self._turns: dict[str, int] = {}  # number of each sender's last turn
        self._taken = 0
        self._closed = False

    def put(self, sender: str, item: T) -> T | None:
        """Stores the newest item of a sender without waiting; returns the item that it replaces, if any."""
        with self._changed:
            replaced = self._items.get(sender)
            self._items[sender] = item
            self._changed.notify()
            return replaced

    def take(self) -> T | None:
        """Waits for an item; returns that of the sender served longest ago, or None once the mailbox is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._items)
            if self._closed:
                return None
            sender = min(self._items, key=lambda sender: self._turns.get(sender, 0))
            self._taken += 1
            self._turns[sender] = self._taken
            return self._items.pop(sender)

    def close(self) -> None:
        """Ends every present and future ``take``; items that were not taken are lost."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closed
