from __future__ import annotations

import pytest

from flows import services
from flows.errors import InvalidDefinition
from flows.models import ChannelFlow, Flow, Revision
from tests.factories import conversations
from tests.factories.flows import after_trigger, state

pytestmark = pytest.mark.django_db

GOOD = after_trigger("say", state("say", "send-message", {"body": "Hi"}, sent=""))
BAD = after_trigger("nowhere")


@pytest.fixture
def flow() -> Flow:
    return Flow.objects.create(friendly_name="Support")


def test_publishing_makes_a_revision_live(flow: Flow) -> None:
    revision = services.publish(flow, GOOD, None, commit_message="First")

    flow.refresh_from_db()
    assert flow.published == revision
    assert (revision.number, revision.definition, revision.errors, revision.commit_message) == (1, GOOD, [], "First")


def test_an_invalid_document_is_not_published_and_says_why(flow: Flow) -> None:
    services.publish(flow, GOOD)

    with pytest.raises(InvalidDefinition) as caught:
        services.publish(flow, BAD)

    assert caught.value.code == "flow.invalid_definition"
    assert [error["code"] for error in caught.value.errors] == ["transition_dangling"]
    assert caught.value.message == (
        "This flow cannot be published. Trigger: 'incomingMessage' leads to 'nowhere', which is missing."
    )
    flow.refresh_from_db()
    assert flow.published is not None
    assert flow.published.definition == GOOD
    assert Revision.objects.count() == 1


def test_a_draft_may_be_invalid_and_keeps_its_problems(flow: Flow) -> None:
    published = services.publish(flow, GOOD)

    draft = services.save_draft(flow, BAD)

    flow.refresh_from_db()
    assert flow.published == published
    assert draft.number == 2
    assert [error["code"] for error in draft.errors] == ["transition_dangling"]


def test_any_json_may_be_a_draft(flow: Flow) -> None:
    assert services.save_draft(flow, {"states": "x\x00"}).definition == {"states": "x"}
    assert services.save_draft(flow, []).errors[0]["code"] == "not_an_object"


def test_unknown_widgets_and_properties_survive_a_round_trip(flow: Flow) -> None:
    foreign = after_trigger("play", state("play", "say-play", {"say": "Hi", "voice": "alice", "odd": [1]}))

    assert services.save_draft(flow, foreign).definition == foreign


def test_publishing_the_newest_draft_makes_no_further_revision(flow: Flow) -> None:
    draft = services.save_draft(flow, GOOD)

    assert services.publish(flow, GOOD) == draft
    assert Revision.objects.count() == 1


def test_warnings_do_not_keep_a_flow_from_being_published(flow: Flow) -> None:
    revision = services.publish(flow, after_trigger("", state("say", "send-message", {"body": "Hi"}, sent="")))

    assert [error["code"] for error in revision.errors] == ["unreachable"]


def test_going_back_is_publishing_an_old_document_again(flow: Flow) -> None:
    services.publish(flow, GOOD)
    services.publish(flow, after_trigger(""))

    assert services.publish(flow, GOOD).number == 3


def test_a_channel_has_one_flow(flow: Flow) -> None:
    channel = conversations.channel()
    other = Flow.objects.create(friendly_name="Other")

    services.assign(channel, flow)
    services.assign(channel, other)

    assert ChannelFlow.objects.get(channel=channel).flow == other
