"""Commits inside a test's transaction.

Django's fast tests wrap everything in a transaction that is rolled back, so ``on_commit`` callbacks never run. Here
they run when the outermost ``atomic`` block of the code under test ends, which is when it would have committed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import Atomic


def _is_of_test(block: Atomic) -> bool:
    return bool(getattr(block, "_from_testcase", False))


def _is_inside_test_transaction(connection: BaseDatabaseWrapper) -> bool:
    return any(_is_of_test(block) for block in connection.atomic_blocks)


def _has_open_block_of_its_own(connection: BaseDatabaseWrapper) -> bool:
    return any(not _is_of_test(block) for block in connection.atomic_blocks)


def _run_callbacks(connection: BaseDatabaseWrapper) -> None:
    while connection.run_on_commit:
        _savepoints, callback, robust = connection.run_on_commit.pop(0)  # type: ignore[misc]
        try:
            callback()
        except Exception:
            if not robust:
                raise


@contextlib.contextmanager
def seen_inside_test_transactions() -> Iterator[None]:
    """Patch Django for the session."""
    leave = Atomic.__exit__
    register = BaseDatabaseWrapper.on_commit

    def exit_and_run(self: Atomic, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        leave(self, exc_type, exc_value, traceback)
        connection = connections[self.using or DEFAULT_DB_ALIAS]
        if (
            not _is_of_test(self)
            and exc_type is None
            and _is_inside_test_transaction(connection)
            and not _has_open_block_of_its_own(connection)
        ):
            _run_callbacks(connection)

    def on_commit(self: BaseDatabaseWrapper, func: Any, robust: bool = False) -> None:
        register(self, func, robust)
        if _is_inside_test_transaction(self) and not _has_open_block_of_its_own(self):
            _run_callbacks(self)

    Atomic.__exit__ = exit_and_run  # type: ignore[method-assign]
    BaseDatabaseWrapper.on_commit = on_commit  # type: ignore[method-assign]
    try:
        yield
    finally:
        Atomic.__exit__ = leave  # type: ignore[method-assign]
        BaseDatabaseWrapper.on_commit = register  # type: ignore[method-assign]
