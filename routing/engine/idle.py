"""Workers in the order of their idleness, longest first: a doubly linked list over slot numbers.

Somebody who becomes idle goes to the end in one step. Whoever comes back with the time they left with (an offer was
declined) is put beside their old neighbour, if that one is still there; else their place is searched from both ends.
Slot 0 is the list's own anchor.
"""

from __future__ import annotations

#: How many neighbours that left, too, are followed to one that is still there.
_HOPS = 16


class IdleOrder:
    """``after[0]`` is the longest idle worker's slot, ``after[slot]`` the next one's; 0 ends the walk.

    ``keys[slot]`` is what a slot is ordered by, the smaller the longer idle; -1 when it is not in the list.
    """

    __slots__ = ("after", "before", "keys", "size")

    def __init__(self) -> None:
        self.after: list[int] = [0]
        #: of a slot that left: who stood before it then
        self.before: list[int] = [0]
        #: (idle since, in microseconds) << 24 | slot: a total order, equal times by slot
        self.keys: list[int] = [-1]
        self.size = 0

    def grow(self, slot: int) -> None:
        """Make room for a slot number."""
        while len(self.after) <= slot:
            self.after.append(0)
            self.before.append(0)
            self.keys.append(-1)

    def insert(self, slot: int, since: float) -> None:
        """Put a slot where its time belongs; it must not be in the list."""
        after, before, keys = self.after, self.before, self.keys
        key = int(since * 1e6) << 24 | slot
        last = before[0]
        if key > keys[last]:
            left = last  # the usual case: nobody became idle later
        else:
            left = self._neighbour(slot, key)
            while (right := after[left]) and keys[right] < key:
                left = right
        keys[slot] = key
        self.size += 1
        after[slot] = right = after[left]
        before[slot] = left
        after[left] = slot
        before[right] = slot

    def remove(self, slot: int) -> None:
        """Take a slot out; it must be in the list."""
        after, before = self.after, self.before
        left, right = before[slot], after[slot]
        after[left] = right
        before[right] = left
        self.keys[slot] = -1
        self.size -= 1

    def moved(self, slot: int, since: float) -> bool:
        """Is this not the time the slot stands in the list with?"""
        return self.keys[slot] >> 24 != int(since * 1e6)

    def _neighbour(self, slot: int, key: int) -> int:
        """Somebody in the list (or the anchor) who comes before ``key``, as close to it as can be had cheaply."""
        after, before, keys = self.after, self.before, self.keys
        left = before[slot]
        for _ in range(_HOPS):
            if keys[left] >= 0 or not left:
                break
            left = before[left]
        if left and 0 <= keys[left] < key:
            return left
        early, late = 0, before[0]
        while True:
            following = after[early]
            if not following or keys[following] > key:
                return early
            if keys[late] < key:
                return late
            early, late = following, before[late]
