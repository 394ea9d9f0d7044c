from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_adapters.webchat import parse
from channels_adapters.webchat.parse import BadFrame, Confirm, Hello, Send, User


def frame(**fields: object) -> parse.Frame:
    return parse.parse(json.dumps(fields))


def code(text: str | None, binary: bytes | None = None) -> str:
    with pytest.raises(BadFrame) as caught:
        parse.parse(text, binary)
    return caught.value.code


def test_a_first_hello_is_read_whole() -> None:
    hello = frame(
        t="hello",
        v=1,
        site="shop",
        resume=None,
        page={"url": "https://shop.example/cart", "title": "Cart", "referrer": ""},
        locale="ar-SA",
        tz="Asia/Riyadh",
    )

    assert hello == Hello(
        site="shop",
        page={"url": "https://shop.example/cart", "title": "Cart"},
        language="ar",
        timezone="Asia/Riyadh",
    )


def test_a_returning_hello_names_its_place() -> None:
    conversation = "CH" + "0" * 32
    resume = {"token": "vt_x", "conversation": conversation, "last_seq": 41}

    assert frame(t="hello", site="shop", resume=resume) == Hello(
        site="shop",
        token="vt_x",
        conversation=conversation,
        last_seq=41,
    )


def test_a_number_is_a_user_id_too() -> None:
    hello = frame(t="hello", site="shop", user={"id": 77, "name": "Layla\u202e", "hash": "ab"})

    assert isinstance(hello, Hello)
    assert hello.user == User(id="77", name="Layla", hash="ab")


def test_text_is_trimmed_and_scrubbed_but_keeps_its_lines() -> None:
    assert frame(t="send", cid="a", text=" one\n\ntw\x00o ") == Send("a", "one\n\ntwo")


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    assert parse.parse('{"t":"send","cid":"a","text":"x\\ud83d"}') == Send("a", "x\ufffd")


def test_the_same_file_twice_is_one_file() -> None:
    assert frame(t="send", cid="a", text="", attachments=["k1", "k2", "k1"]) == Send("a", "", ("k1", "k2"))


def test_a_kind_nobody_knows_yet_is_kept() -> None:
    sent = frame(t="send", cid="a", kind="location", lat=1)

    assert sent == Send("a", "", kind="location", raw={"t": "send", "cid": "a", "kind": "location", "lat": 1})


def test_seen_and_read_are_the_two_receipts() -> None:
    assert frame(t="seen", seq=3) == Confirm("delivered", "", 3)
    assert frame(t="read", seq=3) == Confirm("read", "", 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"t":"send",', "bad_json"),
        ("[" * 60_000, "bad_json"),
        ('{"t":' * 10_000, "bad_json"),
        ('{"t":"read","seq":NaN}', "bad_json"),
        ('{"t":"read","seq":' + "9" * 60_000 + "}", "bad_json"),
        ("null", "bad_frame"),
        ("[]", "bad_frame"),
        ('{"t":5}', "bad_frame"),
        ('{"t":"frobnicate"}', "unknown_frame"),
        ('{"t":"read","seq":1000000000000000000000000000000}', "bad_frame"),
        ('{"t":"read","seq":true}', "bad_frame"),
        ('{"t":"read","seq":-1}', "bad_frame"),
        ('{"t":"read","seq":1,"conversation":"CH1"}', "bad_frame"),
        ('{"t":"send","cid":5,"text":["x"]}', "bad_frame"),
        ('{"t":"send","cid":"a b","text":"x"}', "bad_frame"),
        ('{"t":"send","cid":"a","text":""}', "empty"),
        ('{"t":"send","cid":"a","text":"' + "x" * 4001 + '"}', "too_long"),
        ('{"t":"send","cid":"a","text":"","attachments":["../x"]}', "bad_file"),
        ('{"t":"send","cid":"a","text":"","attachments":' + json.dumps(["k"] * 11) + "}", "bad_file"),
        ('{"t":"typing","on":1}', "bad_frame"),
        ('{"t":"hello"}', "bad_frame"),
        ('{"t":"hello","site":"x","resume":[]}', "bad_frame"),
        ('{"t":"x","pad":"' + "é" * 40_000 + '"}', "too_big"),
        ('{"t":"x","pad":"' + "x" * 70_000 + '"}', "too_big"),
    ],
)
def test_what_is_no_frame_is_refused_by_name(text: str, expected: str) -> None:
    assert code(text) == expected


def test_binary_frames_are_refused() -> None:
    assert code(None, b"\x00\xff") == "bad_frame"


def test_an_error_names_the_send_it_is_about() -> None:
    with pytest.raises(BadFrame) as caught:
        frame(t="send", cid="mine", text="")

    assert caught.value.cid == "mine"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud83d"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_names = ["cid", "text", "attachments", "seq", "conversation", "site", "resume", "user", "page", "locale", "key", "on"]


@given(
    st.sampled_from(["hello", "send", "typing", "seen", "read", "sync", "older", "file", "ping", "x"]),
    st.dictionaries(st.sampled_from(_names), _json),
)
def test_whatever_comes_is_a_frame_or_a_bad_frame(kind: str, fields: dict[str, object]) -> None:
    try:
        read = parse.parse(json.dumps({"t": kind, **fields}))
    except BadFrame:
        return
    # What was taken can be stored: no lone surrogate, no NUL.
    shown = str(read)
    shown.encode()
    assert "\\x00" not in shown
