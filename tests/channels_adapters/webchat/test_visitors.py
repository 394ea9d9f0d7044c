"""Who is let in as whom."""

from __future__ import annotations

import datetime as dt

import pytest

from channels_adapters.webchat import parse, session
from channels_adapters.webchat.models import Visitor, VisitorToken
from channels_adapters.webchat.visitors import EXPIRES_AFTER, RENEW_AFTER, TokenExpired
from contactcenter.lib.crypto import hash_token
from tests.factories import webchat as make
from tests.factories.webchat import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shop() -> None:
    make.channel("shop")


def test_a_new_visitor_gets_a_token_of_256_bits_and_only_its_hash_is_kept() -> None:
    visitor, token = make.enter()

    assert token.startswith("vt_")
    assert len(token) == 3 + 43
    assert list(VisitorToken.objects.values_list("token_hash", flat=True)) == [hash_token(token)]
    assert token not in str(Visitor.objects.values()) + str(VisitorToken.objects.values())
    assert not visitor.visitor.sender().verified


def test_the_token_leads_back_to_the_same_visitor() -> None:
    first, token = make.enter()

    again, new_token = make.enter(token=token, now=NOW + dt.timedelta(hours=1))

    assert again.visitor == first.visitor
    assert new_token == ""


@pytest.mark.parametrize("token", ["vt_guessed", "x", "vt_" + "A" * 43])
def test_a_guessed_token_is_nobody(token: str) -> None:
    make.enter()

    with pytest.raises(TokenExpired):
        make.enter(token=token)


def test_a_token_is_good_on_its_own_site_only() -> None:
    make.channel("other")
    _visitor, token = make.enter("shop")

    with pytest.raises(TokenExpired):
        make.enter("other", token)


def test_an_old_token_is_replaced_and_good_until_the_new_one_arrived() -> None:
    visitor, old = make.enter()
    later = NOW + RENEW_AFTER

    _same, lost = make.enter(token=old, now=later)
    _same, new = make.enter(token=old, now=later + dt.timedelta(minutes=1))
    again, none = make.enter(token=new, now=later + dt.timedelta(minutes=2))

    assert again.visitor == visitor.visitor
    assert none == ""
    assert list(VisitorToken.objects.values_list("token_hash", flat=True)) == [hash_token(new)]
    for gone in (old, lost):
        with pytest.raises(TokenExpired):
            make.enter(token=gone, now=later + dt.timedelta(minutes=3))


def test_a_token_nobody_used_for_half_a_year_is_forgotten() -> None:
    _visitor, token = make.enter()

    with pytest.raises(TokenExpired):
        make.enter(token=token, now=NOW + EXPIRES_AFTER + dt.timedelta(seconds=1))


def test_a_name_from_the_page_is_a_claim() -> None:
    visitor, _token = make.enter(user=parse.User(id="77", name="Layla", email="layla@example.com", hash="wrong"))

    assert visitor.visitor.user_id == ""
    assert visitor.visitor.sender().name == "Layla"
    assert visitor.visitor.sender().claims == {"email": "layla@example.com", "user_id": "77"}
    assert not visitor.visitor.sender().verified


def test_a_proven_user_is_one_visitor_on_all_devices() -> None:
    phone, phone_token = make.enter(user=make.user())
    laptop, laptop_token = make.enter(user=make.user())

    assert phone.visitor == laptop.visitor
    assert phone.visitor.sender().verified
    assert phone_token != laptop_token
    assert make.enter(token=phone_token)[0].visitor == make.enter(token=laptop_token)[0].visitor


def test_who_signs_in_while_chatting_stays_the_same_visitor_with_a_new_token() -> None:
    anonymous, old = make.enter()

    signed_in, new = make.enter(token=old, user=make.user())

    assert signed_in.visitor == anonymous.visitor
    assert signed_in.visitor.sender().verified
    assert new
    with pytest.raises(TokenExpired):
        make.enter(token=old)


def test_who_is_known_already_does_not_take_an_anonymous_chat_along() -> None:
    known, _token = make.enter(user=make.user())
    anonymous, token = make.enter()

    signed_in, _new = make.enter(token=token, user=make.user())

    assert signed_in.visitor == known.visitor
    assert anonymous.visitor != known.visitor


def test_another_user_on_the_same_browser_is_another_visitor() -> None:
    layla, token = make.enter(user=make.user("77"))

    omar, _new = make.enter(token=token, user=make.user("78"))

    assert omar.visitor != layla.visitor
    assert omar.visitor.user_id == "78"


def test_the_same_id_on_two_sites_is_two_visitors() -> None:
    make.channel("other")

    assert make.enter("shop", user=make.user())[0].visitor != make.enter("other", user=make.user())[0].visitor


def test_a_proof_made_with_another_secret_proves_nothing() -> None:
    make.enter(user=make.user())

    visitor, _token = make.enter(user=make.user(secret="guess"))

    assert visitor.visitor.user_id == ""


def test_a_site_that_is_unknown_or_switched_off_lets_nobody_in() -> None:
    row = make.channel("closed")
    row.is_active = False
    row.save()

    for key in ("closed", "never-was"):
        with pytest.raises(session.SiteClosed):
            make.enter(key)
