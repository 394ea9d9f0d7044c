"""The demo's flow from the first hello to the queue, in both languages."""

from __future__ import annotations

import pytest

from conversations.models import Contact
from flows import services, validation
from flows.models import Flow
from flows.services import demo
from flows.values import CreateTask, End
from tests.factories import conversations, routing
from tests.factories.flows import start
from tests.flows.scene import NOW, Scene
from tests.flows.walk import Walk

DEMO = demo.definition("support")


def scene(**fields: str) -> Scene:
    return Scene(DEMO, name=fields.pop("name", "Layla"), **fields)


@pytest.mark.parametrize("name", ["support", "straight_to_queue"])
def test_the_documents_are_flawless(name: str) -> None:
    assert validation.check(demo.definition(name)) == []


@pytest.mark.django_db
def test_the_bot_answers_in_english() -> None:
    page = scene()

    page.say("Hello!")
    page.say("What are your opening hours?")
    page.say("where is my order")
    page.say("how do I return something")
    page.say("how much is delivery")
    page.say("whats your adress")

    assert [reply[:24] for reply in page.replies] == [
        "Hello Layla! I am the sh",
        "We are open Sunday to Th",
        "Orders leave our warehou",
        "You can return anything ",
        "The price of every produ",
        "You find us at 12 Harbou",
    ]
    assert page.conversation.owner == "flow"
    assert page.reply.author_name == "Bot"


@pytest.mark.django_db
def test_the_bot_answers_in_arabic() -> None:
    page = scene()

    page.say("مرحبا")
    page.say("متى تفتحون؟")
    page.say("أين طلبي")
    page.say("أريد إرجاع المنتج")
    page.say("كم السعر")
    page.say("ما عنوانكم")

    assert [reply.split()[0] for reply in page.replies] == ["مرحبًا", "نعمل", "تغادر", "يمكنك", "سعر", "تجدنا"]
    assert page.conversation.attributes == {"language": "ar"}


@pytest.mark.django_db
def test_what_the_bot_does_not_know_it_says_and_offers_a_person() -> None:
    page = scene()

    page.say("sing me a song")

    assert page.replies[-1].startswith("I am sorry, I did not understand that.")
    assert page.reply.data["quick_replies"][-1] == "Live agent"
    page.say("غنّ لي أغنية")
    assert page.replies[-1].startswith("عذرًا، لم أفهم ذلك.")
    assert page.reply.data["quick_replies"][-1] == "وكيل مباشر"


@pytest.mark.django_db
def test_to_an_agent_in_english() -> None:
    page = scene()

    page.say("I want a live agent")
    assert page.replies == ["Which department can help you: Sales, Support or Billing?"]
    assert page.reply.data == {"quick_replies": ["Sales", "Support", "Billing"]}
    page.say("Billing")

    assert page.replies[1:] == ["Thank you. I am bringing in an agent. You are next."]
    assert page.conversation.owner == "queue"
    assert page.task.attributes == {
        "language": "en",
        "department": "billing",
        "vip": False,
        "name": "Layla",
        "channel": "echo",
        "conversation_sid": page.conversation.sid,
    }
    assert page.conversation.attributes == {"language": "en", "department": "billing", "vip": False}


@pytest.mark.django_db
def test_to_an_agent_in_arabic() -> None:
    page = scene()

    page.say("وكيل مباشر")
    assert page.replies == ["أي قسم يمكنه مساعدتك: المبيعات أم الدعم أم الفواتير؟"]
    assert page.reply.data == {"quick_replies": ["المبيعات", "الدعم", "الفواتير"]}
    page.say("الفواتير")

    assert page.replies[1:] == ["شكرًا لك. سأحوّلك الآن إلى أحد موظفينا. أنت التالي."]
    assert page.task.attributes["language"] == "ar"
    assert page.task.attributes["department"] == "billing"


@pytest.mark.django_db
def test_a_second_message_instead_of_the_department_is_asked_about_again() -> None:
    page = scene()

    page.say("live agent")
    page.say("hello?")
    assert page.replies[1:] == ["Sorry, I did not get that. Which department can help you: Sales, Support or Billing?"]
    page.say("sales please")

    assert page.task.attributes["department"] == "sales"


@pytest.mark.django_db
def test_who_never_says_the_department_gets_support() -> None:
    page = scene()

    page.say("live agent")
    page.say("hello?")
    page.say("anybody there?")

    assert page.task.attributes["department"] == "support"


@pytest.mark.django_db
def test_who_says_nothing_gets_support_after_five_minutes() -> None:
    page = scene()

    page.say("live agent")
    services.resume_due(page.later(minutes=5).now)

    assert page.task.attributes["department"] == "support"
    assert page.conversation.owner == "queue"


@pytest.mark.django_db
def test_what_is_known_is_not_asked() -> None:
    page = scene()
    page.say("hello")
    Contact.objects.update(is_vip=True, attributes={"department": "sales"})

    page.say("live agent")

    assert page.replies[1:] == ["Thank you. I am bringing in an agent. You are next."]
    assert (page.task.attributes["vip"], page.task.attributes["department"]) == (True, "sales")
    assert page.task.priority == 10


@pytest.mark.django_db
def test_once_in_the_queue_the_bot_is_silent() -> None:
    page = scene()
    page.say("live agent")
    page.say("sales")
    said = page.replies

    page.say("What are your opening hours?")

    assert page.replies == said


@pytest.mark.parametrize(
    ("language", "ahead", "text"),
    [
        ("en", 0, "You are next."),
        ("en", 1, "There is one person ahead of you."),
        ("en", 7, "There are 7 people ahead of you."),
        ("ar", 0, "أنت التالي."),
        ("ar", 1, "أمامك شخص واحد."),
        ("ar", 2, "أمامك شخصان."),
        ("ar", 3, "أمامك 3 أشخاص."),
        ("ar", 10, "أمامك 10 أشخاص."),
        ("ar", 11, "أمامك 11 شخصًا."),
        ("ar", 99, "أمامك 99 شخصًا."),
        ("ar", 100, "أمامك 100 شخص."),
        ("ar", 103, "أمامك 103 أشخاص."),
    ],
)
def test_the_customer_hears_how_many_are_ahead(language: str, ahead: int, text: str) -> None:
    walk = Walk(DEMO, ahead=ahead)
    known = {"language": language, "attributes": {"department": "sales"}}

    walk.give(start("live agent", contact=known, conversation={"attributes": {}}))

    assert walk.said[-1].endswith(text)
    assert walk.of(CreateTask)[0].queue_notice == "later"
    assert walk.of(End) == [End()]


@pytest.mark.parametrize("failing", ["send", "task"])
def test_what_fails_ends_in_an_error_so_that_people_take_over(failing: str) -> None:
    walk = Walk(DEMO, failing=failing)

    walk.give(start("live agent", conversation={"attributes": {"department": "sales"}}))

    assert walk.of(End)[-1].code in ("81011", "81015")


@pytest.mark.parametrize(
    "wish",
    [
        "live agent",
        "Live Agent!",
        "I would like to speak to a real person",
        "can I talk to someone please",
        "agent",
        "human please",
        "customer service",
        "وكيل مباشر",
        "أريد وكيلاً مباشراً",
        "اريد وكيل مباشر لو سمحت",
        "الوكيل المباشر",
        "أبغى أكلم موظف",
        "أريد التحدث مع إنسان",
        "خدمة العملاء",
        "موظف",
        "حولني لموظف",
    ],
)
def test_many_ways_to_ask_for_a_person(wish: str) -> None:
    walk = Walk(DEMO).begin(wish)

    assert ("bot", "handoff") in walk.path


@pytest.mark.parametrize(
    "other", ["my travel agent told me", "where is my order", "أين طلبي", "do you sell phones", "موقف السيارات"]
)
def test_other_words_do_not_ask_for_a_person(other: str) -> None:
    assert ("bot", "handoff") not in Walk(DEMO).begin(other).path


@pytest.mark.django_db
def test_straight_to_the_queue() -> None:
    page = Scene(demo.definition("straight_to_queue"), name="Layla", language="ar")

    page.say("hello")

    assert page.conversation.owner == "queue"
    assert page.task.attributes["name"] == "Layla"
    assert page.task.attributes["language"] == "ar"


@pytest.mark.django_db
def test_installing_it_twice_changes_nothing() -> None:
    routing.workspace()
    channel, other = conversations.channel(), conversations.channel()
    flow = services.install_demo([channel], now=NOW)
    services.assign(other, Flow.objects.create(friendly_name="Own"))

    again = services.install_demo([channel, other], now=NOW)

    assert again == flow
    assert flow.revisions.count() == 1
    assert channel.channel_flow.flow == flow
    assert other.channel_flow.flow.friendly_name == "Own"
