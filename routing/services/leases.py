"""Leases by the database's clock: who leads, until when, and the epoch that fences off whoever led before.

A holder that was stopped and wakes up still believes it leads. So work done under a lease checks the epoch in the
work's own transaction (``hold``), which also makes a takeover wait for that transaction's end.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db import connection

from routing import sql

_NOW = {"postgresql": "clock_timestamp()", "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"}
_LATER = {
    "postgresql": "clock_timestamp() + make_interval(secs => %s)",
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '+' || %s || ' seconds')",
}


_LEFT = {
    "postgresql": "extract(epoch FROM expires_at - clock_timestamp())::float8",
    "sqlite": "(julianday(expires_at) - julianday('now')) * 86400",
}
_LOCK = {"postgresql": " FOR UPDATE", "sqlite": ""}


class Term(NamedTuple):
    """A holder's time until the next renewal: whoever does anything under the lease changes it."""

    epoch: int
    #: as the database has it; None: given back
    expires_at: Any


def look(name: str) -> tuple[Term, float] | None:
    """The present term and the seconds left of it, locked to the end of the transaction. None: there was never one."""
    vendor = connection.vendor
    row = _one(f"SELECT epoch, expires_at, {_LEFT[vendor]} FROM routing_lease WHERE name = %s{_LOCK[vendor]}", [name])
    return None if row is None else (Term(int(row[0]), row[1]), float(row[2] or 0.0))


def acquire(name: str, holder: str, ttl: float) -> int | None:
    """Take the lease for ``ttl`` seconds when it is free, expired or ours already. The epoch held, or None.

    Taking it over raises the epoch; taking one's own again, before it expired, does not.
    """
    now, later = _clock()
    row = _one(
        f"""
        INSERT INTO routing_lease (name, holder, epoch, expires_at) VALUES (%s, %s, 1, {later})
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at,
            epoch = routing_lease.epoch + CASE
                WHEN routing_lease.holder = excluded.holder AND routing_lease.expires_at > {now} THEN 0 ELSE 1 END
        WHERE routing_lease.expires_at IS NULL OR routing_lease.expires_at <= {now}
            OR routing_lease.holder = excluded.holder
        RETURNING epoch
        """,
        [name, holder, ttl],
    )
    return None if row is None else int(row[0])


def hold(name: str, holder: str, epoch: int, ttl: float) -> bool:
    """Prove, inside a transaction, that the lease is still ours, and renew it. False: somebody took it over.

    The row stays locked to the end of the transaction, so nobody takes over before it is committed.
    """
    _, later = _clock()
    return (
        _one(
            f"UPDATE routing_lease SET expires_at = {later} WHERE name = %s AND holder = %s AND epoch = %s"
            " RETURNING epoch",
            [ttl, name, holder, epoch],
        )
        is not None
    )


def release(name: str, holder: str, epoch: int) -> None:
    """Give the lease back at once, so that a successor need not wait for it to expire."""
    sql.execute(
        "UPDATE routing_lease SET expires_at = NULL, holder = '' WHERE name = %s AND holder = %s AND epoch = %s",
        [name, holder, epoch],
    )


def _clock() -> tuple[str, str]:
    return _NOW[connection.vendor], _LATER[connection.vendor]


def _one(statement: str, parameters: list[Any]) -> tuple[Any, ...] | None:
    rows = sql.execute(statement, parameters)
    return rows[0] if rows else None
