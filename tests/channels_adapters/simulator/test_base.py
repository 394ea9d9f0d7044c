"""What every simulated provider shares."""

from __future__ import annotations

import threading

import pytest

from channels_adapters.simulator.base import Bubble, Persona, post_over_http
from contactcenter.lib.errors import Refused
from tests.factories import messenger as make


def test_reports_leave_in_the_order_they_were_made_without_anybody_asking() -> None:
    done: list[int] = []
    finished = threading.Event()
    fake = make.graph(is_threaded=True)

    for number in range(50):
        fake.report(lambda number=number: done.append(number))  # type: ignore[misc]
    fake.report(finished.set)

    assert finished.wait(5)
    assert done == list(range(50))


def test_old_files_make_room() -> None:
    fake = make.graph()
    first = fake.keep("a.bin", "application/octet-stream", b"x" * 40_000_000)
    second = fake.keep("b.bin", "application/octet-stream", b"x" * 40_000_000)

    assert fake.media(first.split("/")[-2]) is None
    assert fake.media(second.split("/")[-2]) is not None


def test_old_messages_make_room() -> None:
    fake = make.graph()

    for number in range(205):
        fake.add_bubble(make.LINA, Bubble(f"m_{number}", True, make.NOW, text=str(number)))

    assert [bubble.text for bubble in fake.chat(make.LINA)][:2] == ["5", "6"]


def test_quick_replies_live_under_the_last_message_only() -> None:
    fake = make.graph()
    fake.add_bubble(make.LINA, Bubble("m_1", False, make.NOW, quick_replies=[{"title": "Yes"}]))

    fake.add_bubble(make.LINA, Bubble("m_2", True, make.NOW, text="No"))

    assert fake.chat(make.LINA)[0].quick_replies == []


def test_file_names_are_made_harmless() -> None:
    fake = make.graph()

    assert fake.keep("../../etc/pass wd\u202e", "text/plain", b"").endswith("/....etcpasswd")
    assert fake.keep("مرحبا", "text/plain", b"").endswith("/file")


def test_every_change_is_announced() -> None:
    seen: list[int] = []
    fake = make.graph(changed=lambda: seen.append(1))
    before = fake.version

    fake.add_persona(Persona("1", "New"))
    fake.arm("hang")
    fake.disarm()

    assert len(seen) == 3
    assert fake.version == before + 3


def test_a_webhook_to_nobody_is_told_and_not_fatal() -> None:
    fake = make.graph(post=post_over_http, base_url="http://127.0.0.1:1")

    assert fake.act(make.LINA, "text", {"text": "Hello?"})["status"] == 0
    assert fake.chat(make.LINA)[0].status == "failed"


def test_nobody_can_be_armed_with_an_unknown_failure() -> None:
    with pytest.raises(Refused):
        make.graph().arm("explode")
