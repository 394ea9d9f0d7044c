"""The demo's shop: a page like those the widget is made for. ``/shop/``, and in Arabic ``/shop/?lang=ar``.

404 unless ``settings.SIMULATORS`` is on: only ``manage.py demo`` turns it on. Its words are demo data, so they stand
here in both languages instead of in the catalogs of the product.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

SITE = "demo-shop"

_WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "title": "Sidra · Things for slow mornings",
        "skip": "Skip to the products",
        "notice": "Free delivery on orders over 200 SAR, all over the Kingdom",
        "nav": ["New", "Kitchen", "Living", "Gifts", "Our makers"],
        "language": "العربية",
        "language_code": "ar",
        "basket": "Basket",
        "eyebrow": "The spring collection",
        "headline": "Things for slow mornings",
        "lead": "Cups thrown by hand in Taif, linen from Sidon, brass from Old Cairo. Made in small numbers by people "
        "we know by name.",
        "shop_now": "See the collection",
        "ask": "Ask us anything",
        "products": "Loved this week",
        "add": "Add to basket",
        "added": "In the basket",
        "currency": "SAR",
        "items": [
            ("cup", "Rawda cup", "Speckled stoneware, 280 ml", "85", "New"),
            ("vase", "Wadi vase", "Sand glaze, 24 cm", "240", ""),
            ("lamp", "Qamar lamp", "Brass and linen, dims warm", "465", ""),
            ("cushion", "Sadu cushion", "Hand-woven wool, 50 × 50", "190", "Few left"),
            ("pot", "Dallah for two", "Brushed copper, 0.6 l", "320", ""),
            ("candle", "Oud candle", "Beeswax, burns 40 hours", "120", ""),
        ],
        "promises": [
            ("truck", "Delivered in 1 to 3 days", "Carefully wrapped, tracked to your door."),
            ("return", "30 days to change your mind", "We pick it up from your door, free."),
            ("chat", "People who answer", "Our assistant is here day and night, our team from 9 to 9."),
        ],
        "story": "Nothing here was made in a hurry",
        "story_text": "Each piece carries the mark of the hands that made it. When a cup breaks, write to us: we know "
        "who made it, and there is a good chance they still have the glaze.",
        "footer": "Sidra is not a real shop. It shows the chat as your customers would see it.",
        "footer_links": ["Delivery", "Returns", "Care", "Privacy"],
    },
    "ar": {
        "title": "سدرة · أشياء لصباحات هادئة",
        "skip": "انتقل إلى المنتجات",
        "notice": "توصيل مجاني للطلبات فوق 200 ر.س إلى جميع مناطق المملكة",
        "nav": ["جديدنا", "المطبخ", "المعيشة", "هدايا", "صُنّاعنا"],
        "language": "English",
        "language_code": "en",
        "basket": "السلة",
        "eyebrow": "مجموعة الربيع",
        "headline": "أشياء لصباحات هادئة",
        "lead": "أكواب شُكّلت باليد في الطائف، وكتّان من صيدا، ونحاس من القاهرة القديمة. بأعداد قليلة، على أيدي أناس "
        "نعرفهم بأسمائهم.",
        "shop_now": "تصفّح المجموعة",
        "ask": "اسألنا ما تشاء",
        "products": "الأكثر طلبًا هذا الأسبوع",
        "add": "أضف إلى السلة",
        "added": "في السلة",
        "currency": "ر.س",
        "items": [
            ("cup", "كوب روضة", "خزف مرقّط، 280 مل", "85", "جديد"),
            ("vase", "مزهرية وادي", "طلاء رملي، 24 سم", "240", ""),
            ("lamp", "مصباح قمر", "نحاس وكتّان، إضاءة دافئة", "465", ""),
            ("cushion", "وسادة سدو", "صوف منسوج يدويًا، 50 × 50", "190", "كمية قليلة"),
            ("pot", "دلّة لشخصين", "نحاس مصقول، 0.6 لتر", "320", ""),
            ("candle", "شمعة عود", "شمع النحل، تدوم 40 ساعة", "120", ""),
        ],
        "promises": [
            ("truck", "يصلك خلال يوم إلى ثلاثة", "مغلّف بعناية ويمكنك تتبّعه حتى بابك."),
            ("return", "30 يومًا لتغيّر رأيك", "نستلمه من باب بيتك مجانًا."),
            ("chat", "أناس يجيبونك", "مساعدنا حاضر ليل نهار، وفريقنا من التاسعة إلى التاسعة."),
        ],
        "story": "لا شيء هنا صُنع على عجل",
        "story_text": "كل قطعة تحمل أثر اليد التي صنعتها. وإن انكسر كوبك فاكتب لنا: نعرف من صنعه، "
        "والأغلب أن لديه الطلاء نفسه.",
        "footer": "سدرة ليست متجرًا حقيقيًا. إنها تعرض المحادثة كما يراها عملاؤك.",
        "footer_links": ["التوصيل", "الإرجاع", "العناية", "الخصوصية"],
    },
}


@require_safe
def shop(request: HttpRequest) -> HttpResponse:
    if not settings.SIMULATORS:
        raise Http404
    language = "ar" if request.GET.get("lang") == "ar" else "en"
    return render(
        request,
        "webchat/shop.html",
        {"site": SITE, "language": language, "dir": "rtl" if language == "ar" else "ltr", "words": _WORDS[language]},
    )


urlpatterns = [path("shop/", shop, name="shop")]
