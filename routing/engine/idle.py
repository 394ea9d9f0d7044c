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

    __slots__ = ("_bits", "_set", "after", "before", "keys", "size")

    def __init__(self) -> None:
        self.after: list[int] = [0]
        #: of a slot that left: who stood before it then
        self.before: list[int] = [0]
        #: (idle since, in microseconds) << 24 | slot: a total order, equal times by slot
        self.keys: list[int] = [-1]
        self.size = 0
        #: who is in the list as a bitset: changed in place here, made into an integer when somebody asks
        self._bits = bytearray(1)
        self._set: int | None = 0

    @property
    def members(self) -> int:
        """Who is in the list, as a bitset of slots."""
        found = self._set
        if found is None:
            found = self._set = int.from_bytes(self._bits, "little")
        return found

    def grow(self, slot: int) -> None:
        """Make room for a slot number."""
        while len(self.after) <= slot:
            self.after.append(0)
            self.before.append(0)
            self.keys.append(-1)
        self._bits.extend(bytes((slot >> 3) + 1 - len(self._bits)))

    def insert(self, slot: int, since: float) -> None:
        """Put a slot where its time belongs; it must not be in the list."""
        after, before, keys = self.after, self.before, self.keys
        key = int(since * 1e6) << 24 | slot
        last = before[0]
        left = last if key > keys[last] else self._neighbour(slot, key)  # nobody became idle later: the usual case
        keys[slot] = key
        self.size += 1
        self._bits[slot >> 3] ^= 1 << (slot & 7)
        self._set = None
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
        self._bits[slot >> 3] ^= 1 << (slot & 7)
        self._set = None

    def _neighbour(self, slot: int, key: int) -> int:
        """The one (or the anchor) after whom ``key`` belongs: from an old neighbour on, or from the end backwards."""
        after, before, keys = self.after, self.before, self.keys
        early, late = before[slot], before[0]
        for _ in range(_HOPS):
            if keys[early] >= 0 or not early:
                break
            early = before[early]
        if keys[early] < 0 or keys[early] > key:
            early = 0
        while True:
            following = after[early]
            if not following or keys[following] > key:
                return early
            if keys[late] < key:
                return late
            early, late = following, before[late]
