"""Interned expressions over workers. Each distinct one is a class: a number, and the set of workers it means.

Tasks and queues hold classes, not expressions; equal expressions are one class whoever asks. A class nobody holds is
kept for a while (the next task probably wants it) and given up when too many are.
"""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from routing.engine import expression
from routing.engine.lanes import NOTHING, Pick
from routing.engine.postings import Postings, slots
from routing.engine.syntax import Node

#: Classes kept although nobody holds them.
SPARE = 512
#: binary digits as numbers
_DIGITS = bytes.maketrans(b"01", b"\0\1")


class Eligibility:
    """``members[k]`` is a class's bitset of slots; ``classes[slot]`` the classes a worker is in, also as a set."""

    def __init__(self) -> None:
        self.postings = Postings()
        self.members: list[int] = []
        self.classes: list[list[int]] = [[]]
        self.class_sets: list[set[int]] = [set()]
        #: by slot: takes what belongs to the worker's classes out of a list by class; made when first needed
        self.picks: list[Pick | None] = [None]
        #: membership by slot, made when a class is first walked
        self._flags: list[bytearray | None] = []
        self._nodes: list[Node | None] = []
        self._tests: list[Callable[[Mapping[str, Any]], bool]] = []
        self._holders: list[int] = []
        self._numbers: dict[Node, int] = {}
        self._spare: OrderedDict[int, None] = OrderedDict()
        self._free: list[int] = []
        #: classes that read channel counters and must be asked again whenever those move
        self.volatile: set[int] = set()
        #: by the first name of a path: the classes that read it
        self._readers: dict[str, set[int]] = {}

    def hold(self, node: Node) -> int:
        """The class of an expression, held until ``release``."""
        klass = self._numbers.get(node)
        if klass is None:
            klass = self._make(node)
        self._holders[klass] += 1
        self._spare.pop(klass, None)
        return klass

    def hold_again(self, klass: int, node: Node) -> bool:
        """Hold a class known by its number, unless the number was given to another expression meanwhile."""
        if self._nodes[klass] is not node:
            return False
        self._holders[klass] += 1
        if klass in self._spare:
            del self._spare[klass]
        return True

    def node(self, klass: int) -> Node:
        """A class's expression."""
        node = self._nodes[klass]
        assert node is not None
        return node

    def release(self, klass: int) -> int | None:
        """One holder less. The number of a class given up for it, if there was one."""
        self._holders[klass] -= 1
        if self._holders[klass]:
            return None
        self._spare[klass] = None
        if len(self._spare) <= SPARE:
            return None
        old, _ = self._spare.popitem(last=False)
        self._forget(old)
        return old

    def put_worker(self, slot: int, scope: Mapping[str, Any]) -> None:
        """A worker is new or is different now: asked about every class that reads what is different."""
        while len(self.classes) <= slot:
            self.classes.append([])
            self.class_sets.append(set())
            self.picks.append(None)
        names = self.postings.put(slot, scope)
        if names is None:
            classes = [klass for klass, node in enumerate(self._nodes) if node is not None]
        else:
            classes = sorted({klass for name in names for klass in self._readers.get(name, ())})
        self._ask(slot, scope, classes)

    def ask_volatile(self, slot: int, scope: Mapping[str, Any]) -> None:
        """The worker's channel counters moved."""
        self._ask(slot, scope, list(self.volatile))

    def drop_worker(self, slot: int) -> None:
        """The worker is gone; the slot may be given to another."""
        self._ask(slot, None, list(self.classes[slot]))
        self.postings.drop(slot)

    def flags(self, klass: int) -> bytearray:
        """A class's members as one byte per slot, for walks that look at many slots."""
        flags = self._flags[klass]
        if flags is None or len(flags) < len(self.classes):
            flags = bytearray(bin(self.members[klass])[:1:-1].encode().translate(_DIGITS))
            flags.extend(bytes(len(self.classes) + 64 - len(flags)))
            self._flags[klass] = flags
        return flags

    def pick(self, slot: int) -> Pick:
        """``picks[slot]``, made now."""
        classes = self.classes[slot]
        # The first one twice: for a single index itemgetter would not make a tuple.
        made: Pick = operator.itemgetter(*classes, classes[0]) if classes else _nothing
        self.picks[slot] = made
        return made

    def _make(self, node: Node) -> int:
        members = self.postings.matching(node)
        test = expression.compile_node(node).matches
        if self._free:
            klass = self._free.pop()
            self.members[klass], self._nodes[klass], self._tests[klass] = members, node, test
        else:
            klass = len(self._nodes)
            self.members.append(members)
            self._nodes.append(node)
            self._tests.append(test)
            self._holders.append(0)
            self._flags.append(None)
        self._numbers[node] = klass
        for name in {path[0] for path in expression.paths(node)}:
            self._readers.setdefault(name, set()).add(klass)
            if name == "@channel":
                self.volatile.add(klass)
        for slot in slots(members):
            self.classes[slot].append(klass)
            self.class_sets[slot].add(klass)
            self.picks[slot] = None
        return klass

    def _forget(self, klass: int) -> None:
        for slot in slots(self.members[klass]):
            self.classes[slot].remove(klass)
            self.class_sets[slot].discard(klass)
            self.picks[slot] = None
        node = self._nodes[klass]
        if node is not None:
            del self._numbers[node]
            for name in {path[0] for path in expression.paths(node)}:
                self._readers[name].discard(klass)
        self.members[klass], self._nodes[klass], self._flags[klass] = 0, None, None
        self.volatile.discard(klass)
        self._free.append(klass)

    def _ask(self, slot: int, scope: Mapping[str, Any] | None, classes: list[int]) -> None:
        bit, mine, members = 1 << slot, self.class_sets[slot], self.members
        for klass in classes:
            belongs = scope is not None and self._tests[klass](scope)
            if belongs == (klass in mine):
                continue
            members[klass] ^= bit
            self.picks[slot] = None
            flags = self._flags[klass]
            if flags is not None and slot < len(flags):
                flags[slot] = belongs
            if belongs:
                mine.add(klass)
                self.classes[slot].append(klass)
            else:
                mine.discard(klass)
                self.classes[slot].remove(klass)


def _nothing(heads: list[int]) -> tuple[int]:
    return (NOTHING,)
