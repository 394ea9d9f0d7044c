"""Canned replies and dispositions, English and Arabic."""

from __future__ import annotations

import datetime as dt

from agents.models import CannedReply, Disposition
from conversations.models import Team

#: shortcut, title, text, language, team
CANNED_REPLIES = (
    ("hello", "Greeting", "Hello {{contact.name}}, this is {{agent.name}}. How can I help you?", "en", ""),
    ("moment", "One moment", "One moment please, I am looking into it.", "en", ""),
    ("order", "Ask for the order number", "Could you send me your order number? It starts with DS-.", "en", "Support"),
    ("refund", "Refund on its way", "I have started the refund. It arrives within five working days.", "en", "Billing"),
    ("offer", "Current offer", "Delivery is free this week for orders above 50.", "en", "Sales"),
    ("bye", "Goodbye", "You are welcome, {{contact.name}}. Have a good day!", "en", ""),
    ("مرحبا", "تحية", "مرحبًا {{contact.name}}، معك {{agent.name}}. كيف يمكنني مساعدتك؟", "ar", ""),
    ("لحظة", "لحظة من فضلك", "لحظة من فضلك، أتحقق من الأمر.", "ar", ""),
    ("طلب", "رقم الطلب", "هل يمكنك إرسال رقم الطلب؟ يبدأ بـ DS-.", "ar", "Support"),
    ("استرداد", "استرداد المبلغ", "بدأت إجراءات استرداد المبلغ، وسيصلك خلال خمسة أيام عمل.", "ar", "Billing"),
    ("عرض", "العرض الحالي", "التوصيل مجاني هذا الأسبوع للطلبات التي تتجاوز 50.", "ar", "Sales"),
    ("وداعا", "وداع", "على الرحب والسعة يا {{contact.name}}. أتمنى لك يومًا سعيدًا!", "ar", ""),
)

#: code, label, label in Arabic
DISPOSITIONS = (
    ("resolved", "Resolved", "تم الحل"),
    ("sold", "Order placed", "تم تقديم طلب"),
    ("refunded", "Refunded", "تم رد المبلغ"),
    ("follow-up", "Needs a follow-up", "يحتاج إلى متابعة"),
    ("no-answer", "Customer stopped answering", "توقف العميل عن الرد"),
    ("spam", "Spam", "رسالة مزعجة"),
)


def ensure(*, now: dt.datetime) -> None:
    """Canned replies and dispositions, where there are none of that name yet."""
    for shortcut, title, text, language, team in CANNED_REPLIES:
        CannedReply.objects.get_or_create(
            shortcut=shortcut,
            team=Team.objects.get(name=team) if team else None,
            defaults={"title": title, "text": text, "language": language, "created_at": now},
        )
    for position, (code, label, label_ar) in enumerate(DISPOSITIONS):
        Disposition.objects.get_or_create(
            code=code, defaults={"label": label, "label_ar": label_ar, "position": position, "created_at": now}
        )
