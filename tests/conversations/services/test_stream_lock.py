"""When a conversation somebody holds is taken as it is, and when it is read anew."""

from __future__ import annotations

import contextlib

import pytest
from django.db import transaction

from conversations.models import Conversation
from conversations.services import stream
from tests.factories import conversations as make

pytestmark = pytest.mark.django_db(transaction=True)


class TakenBack(Exception):
    pass


def rename(conversation: Conversation, text: str) -> None:
    """As another process does: the row changes, no instance hears of it."""
    Conversation.objects.filter(pk=conversation.pk).update(last_message_text=text)


def test_in_the_same_block_and_those_inside_it_is_the_same_instance() -> None:
    known = make.conversation()

    with transaction.atomic():
        held = stream.lock(known)
        assert held is not known
        assert stream.lock(held) is held
        with transaction.atomic():
            assert stream.lock(held) is held


def test_its_id_alone_is_always_read() -> None:
    known = make.conversation()

    with transaction.atomic():
        held = stream.lock(known)
        assert stream.lock(known.pk) is not held


def test_after_the_commit_it_is_read_anew() -> None:
    known = make.conversation()
    with transaction.atomic():
        held = stream.lock(known)
    rename(known, "later")

    with transaction.atomic():
        again = stream.lock(held)

    assert again is not held
    assert again.last_message_text == "later"


def test_after_a_rollback_inside_it_is_read_anew() -> None:
    """What was changed on the instance in there may have been taken back."""
    known = make.conversation()

    with transaction.atomic():
        held = stream.lock(known)
        with contextlib.suppress(TakenBack), transaction.atomic():
            stream.lock(held).event_seq += 1
            raise TakenBack
        again = stream.lock(held)

    assert again is not held
    assert again.event_seq == known.event_seq


def test_locked_in_a_block_that_is_over_it_is_read_anew() -> None:
    known = make.conversation()

    with transaction.atomic():
        with transaction.atomic():
            held = stream.lock(known)
        rename(known, "meanwhile")
        again = stream.lock(held)

    assert again.last_message_text == "meanwhile"
