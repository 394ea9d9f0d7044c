"""Workers in the order of their idleness, longest first: a doubly linked list over slot numbers.

Somebody who becomes idle goes to the end in one step. Whoever is put back with an older time (a declined offer leaves
its worker where they were) is searched for from both ends. Slot 0 is the list's own anchor.
"""

from __future__ import annotations


class IdleOrder:
    """``after[0]`` is the longest idle worker's slot, ``after[slot]`` the next one's; 0 ends the walk."""

    __slots__ = ("_keys", "after", "before", "size")

    def __init__(self) -> None:
        self.after: list[int] = [0]
        self.before: list[int] = [0]
        #: (idle since, in microseconds) << 24 | slot: a total order, equal times by slot. -1: not in the list.
        self._keys: list[int] = [-1]
        self.size = 0

    def grow(self, slot: int) -> None:
        """Make room for a slot number."""
        while len(self.after) <= slot:
            self.after.append(0)
            self.before.append(0)
            self._keys.append(-1)

    def __contains__(self, slot: int) -> bool:
        return self._keys[slot] >= 0

    def insert(self, slot: int, since: float) -> None:
        """Put a slot where its time belongs; it must not be in the list."""
        after, before, keys = self.after, self.before, self._keys
        key = int(since * 1e6) << 24 | slot
        keys[slot] = key
        self.size += 1
        late, early = before[0], after[0]
        while late and keys[late] > key:
            if keys[early] > key:
                late = before[early]
                break
            late, early = before[late], after[early]
        after[slot] = following = after[late]
        before[slot] = late
        after[late] = slot
        before[following] = slot

    def remove(self, slot: int) -> None:
        """Take a slot out; it must be in the list."""
        after, before = self.after, self.before
        left, right = before[slot], after[slot]
        after[left] = right
        before[right] = left
        self._keys[slot] = -1
        self.size -= 1

    def key(self, slot: int) -> int:
        """What the slot is ordered by, smaller = idle longer; -1 when it is not in the list."""
        return self._keys[slot]
