from __future__ import annotations

import datetime as dt

import pytest

from channels_adapters.contract import Profile
from contactcenter.lib.errors import Refused
from conversations.models import Contact, Conversation, Event, Identity, Merge
from conversations.services import contacts
from tests.factories import conversations as make
from tests.factories.adapters import Provider
from tests.support.jobs import JobQueue

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _drain(drain: JobQueue) -> JobQueue:
    return drain


def test_a_new_sender_gets_an_identity_and_a_contact_of_their_own(now: dt.datetime) -> None:
    line = make.channel()

    identity = contacts.resolve(line, make.sender("a", name="Layla", language="ar"), now=now)
    again = contacts.resolve(line, make.sender("a"), now=now)

    assert identity == again
    assert (identity.contact.name, identity.contact.language) == ("Layla", "ar")
    assert (Identity.objects.count(), Contact.objects.count()) == (1, 1)


@pytest.mark.parametrize("other", [{"kind": "sms"}, {"scope": "page-2"}, {"address": "b"}], ids=str)
def test_another_kind_scope_or_address_is_another_identity(other: dict[str, str], now: dt.datetime) -> None:
    line = make.channel()
    first = contacts.resolve(line, make.sender("a"), now=now)

    second = contacts.resolve(line, make.sender(**{"address": "a", **other}), now=now)

    assert second.contact_id != first.contact_id


def test_claims_never_lead_to_somebody_elses_contact(now: dt.datetime) -> None:
    line = make.channel()
    victim = contacts.resolve(line, make.sender("a", claims={"email": "boss@example.com"}), now=now)

    impostor = contacts.resolve(
        line, make.sender("b", name="Layla", verified=False, claims={"email": "boss@example.com"}), now=now
    )

    assert impostor.contact_id != victim.contact_id
    assert impostor.is_verified is False
    assert impostor.contact.claims == {"email": "boss@example.com"}


def test_what_is_empty_is_filled_and_what_is_known_stays(now: dt.datetime) -> None:
    line = make.channel()
    contacts.resolve(line, make.sender("a", name="", claims={"email": "old@x"}), now=now)

    contacts.resolve(line, make.sender("a", name="Layla", language="ar", claims={"phone": "1"}), now=now)
    contacts.resolve(line, make.sender("a", name="L. Haddad", language="en"), now=now)

    contact, identity = Contact.objects.get(), Identity.objects.get()
    assert (contact.name, contact.language) == ("Layla", "ar")
    assert identity.display_name == "L. Haddad"
    assert contact.claims == {"email": "old@x", "phone": "1"}


def test_a_new_identitys_profile_is_asked_for_in_a_job(provider: Provider, drain: JobQueue, now: dt.datetime) -> None:
    line = make.channel()
    provider.profile = Profile(name="Layla\u202e Haddad", language="ar")
    contacts.get_to_know(line, contacts.resolve(line, make.sender("a", name=""), now=now))
    contacts.get_to_know(line, contacts.resolve(line, make.sender("a", name=""), now=now))
    assert drain.names() == ["conversations.jobs.fetch_profile"]

    drain()

    assert (Contact.objects.get().name, Contact.objects.get().language) == ("Layla Haddad", "ar")
    assert Identity.objects.get().display_name == "Layla Haddad"


def test_changing_a_contact_is_told_in_their_conversations(now: dt.datetime) -> None:
    conversation = make.conversation()
    contact = conversation.identity.contact

    contacts.update(contact, name="Layla H.", is_vip=True, attributes={"tier": "gold"}, now=now)
    contacts.update(contact, attributes={"tier": None, "city": "Amman"}, now=now)

    contact.refresh_from_db()
    assert (contact.name, contact.is_vip, contact.attributes) == ("Layla H.", True, {"city": "Amman"})
    last = Event.objects.filter(conversation=conversation).order_by("-seq")[0]
    assert last.type == "conversation.updated"
    assert last.data["conversation"]["contact"]["attributes"] == {"city": "Amman"}


def test_other_fields_cannot_be_changed(now: dt.datetime) -> None:
    contact = make.conversation().identity.contact

    with pytest.raises(Refused):
        contacts.update(contact, claims={"email": "x"}, now=now)
    with pytest.raises(Refused):
        contacts.update(contact, id="x", now=now)


# -- merging ---------------------------------------------------------------------------------------


def test_a_merge_moves_identities_with_their_conversations_and_fills_what_is_empty(now: dt.datetime) -> None:
    first = make.conversation(identity=make.identity(make.channel(), name="", language=""))
    second = make.conversation(identity=make.identity(make.channel(), name="Layla", language="ar"))
    into, source = first.identity.contact, second.identity.contact

    contacts.merge(into, source, now=now)

    into.refresh_from_db()
    assert set(into.identities.values_list("pk", flat=True)) == {first.identity_id, second.identity_id}
    assert (into.name, into.language) == ("Layla", "ar")
    assert source.identities.count() == 0
    assert Identity.objects.get(pk=second.identity_id).merged_from == source
    assert (
        Event.objects.filter(conversation=second).order_by("-seq")[0].data["conversation"]["contact"]["sid"] == into.sid
    )


def test_a_merge_can_be_undone(now: dt.datetime) -> None:
    first = make.conversation(identity=make.identity(make.channel(), name=""))
    second = make.conversation(identity=make.identity(make.channel(), name="Layla"))
    into, source = first.identity.contact, second.identity.contact
    done = contacts.merge(into, source, now=now)

    contacts.unmerge(done, now=now)

    into.refresh_from_db()
    assert list(into.identities.all()) == [first.identity]
    assert list(source.identities.all()) == [second.identity]
    assert into.name == ""
    with pytest.raises(Refused):
        contacts.unmerge(done, now=now)


def test_an_earlier_merge_can_be_undone_after_a_later_one(now: dt.datetime) -> None:
    a, b, c = (make.conversation().identity for _ in range(3))
    first = contacts.merge(b.contact, a.contact, now=now)
    second = contacts.merge(c.contact, b.contact, now=now)
    assert c.contact.identities.count() == 3

    contacts.unmerge(first, now=now)
    assert [list(who.contact.identities.all()) for who in (a, b)] == [[a], []]

    contacts.unmerge(second, now=now)
    assert [list(who.contact.identities.all()) for who in (a, b, c)] == [[a], [b], [c]]


def test_a_name_changed_since_survives_the_undoing(now: dt.datetime) -> None:
    into = make.conversation(identity=make.identity(make.channel(), name="")).identity.contact
    source = make.conversation(identity=make.identity(make.channel(), name="Layla")).identity.contact
    done = contacts.merge(into, source, now=now)
    contacts.update(into, name="Dr. Haddad", now=now)

    contacts.unmerge(done, now=now)

    into.refresh_from_db()
    assert into.name == "Dr. Haddad"


def test_a_contact_is_not_merged_with_itself(now: dt.datetime) -> None:
    contact = make.conversation().identity.contact

    with pytest.raises(Refused):
        contacts.merge(contact, contact, now=now)

    assert Merge.objects.count() == 0


def test_after_a_merge_new_messages_still_find_their_identity(now: dt.datetime) -> None:
    line = make.channel()
    one = make.received(line, sender=make.sender("a")).conversation
    two = make.received(line, sender=make.sender("b")).conversation
    contacts.merge(one.identity.contact, two.identity.contact, now=now)

    make.received(line, sender=make.sender("b"))

    assert Conversation.objects.count() == 2
    assert two.messages.count() == 2
