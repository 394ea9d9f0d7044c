"""Synchronous code that uses the database, called from event loops."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from typing import Any, TypeVar

from channels.db import database_sync_to_async

#: Commands and reads of all consoles of this process; a thread may wait for a row's lock.
pool = concurrent.futures.ThreadPoolExecutor(16, thread_name_prefix="console")

T = TypeVar("T")


async def call(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call ``function`` in a thread of the pool. (By default all of a process share one thread.)"""
    called: T = await database_sync_to_async(function, thread_sensitive=False, executor=pool)(*args, **kwargs)
    return called
