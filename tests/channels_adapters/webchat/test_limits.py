from __future__ import annotations

import pytest

from channels_adapters.webchat.limits import Window, allow, network


def test_a_window_says_how_long_to_wait() -> None:
    window = Window(2, 10.0)

    assert [window.take(0.0), window.take(4.0), window.take(5.0), window.take(10.0), window.take(11.0)] == [
        0.0,
        0.0,
        5.0,
        0.0,
        3.0,
    ]


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_who_is_counted_as_one(address: str, counted_as: str) -> None:
    assert network(address) == counted_as


def test_a_limit_counts_each_thing_once_and_everyone_alone() -> None:
    def ask(who: str, thing: str) -> bool:
        return allow("chats", who, count=2, seconds=60, once=thing)

    assert [ask("a", "1"), ask("a", "1"), ask("a", "2"), ask("a", "3"), ask("a", "3"), ask("a", "1")] == [
        True,
        True,
        True,
        False,
        False,
        True,
    ]
    assert ask("b", "1")
