from __future__ import annotations

import pytest

from channels_adapters.webchat.config import DEFAULT_COLOR, Site


def allows(pattern: str, origin: str, host: str = "desk.example") -> bool:
    return Site(key="shop", allowed_origins=(pattern,)).allows(origin, host)


@pytest.mark.parametrize(
    ("pattern", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://shop.example/", "https://SHOP.example"),
        ("https://shop.example", "https://shop.example:443"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://*.shop.example", "https://www.shop.example"),
        ("https://*.shop.example", "https://a.b.shop.example"),
        ("self", "https://desk.example"),
        ("self", "http://desk.example"),
    ],
)
def test_a_page_on_the_list_may(pattern: str, origin: str) -> None:
    assert allows(pattern, origin)


@pytest.mark.parametrize(
    ("pattern", "origin"),
    [
        ("https://shop.example", ""),
        ("https://shop.example", "null"),
        ("https://shop.example", "http://shop.example"),
        ("https://shop.example", "https://shop.example:8443"),
        ("https://shop.example", "https://shop.example.evil.example"),
        ("https://shop.example", "https://evilshop.example"),
        ("https://shop.example", "https://shop.example/path"),
        ("https://shop.example", "https://user@shop.example"),
        ("https://shop.example", "https://[::1"),
        ("https://shop.example", "https://shop.example:99999"),
        ("https://*.shop.example", "https://shop.example"),
        ("https://*.shop.example", "https://evilshop.example"),
        ("https://*.shop.example", "https://shop.example.evil.example"),
        ("self", "https://desk.example:8443"),
        ("self", "https://shop.example"),
        ("*", "https://shop.example"),
        ("", "https://shop.example"),
    ],
)
def test_any_other_page_may_not(pattern: str, origin: str) -> None:
    assert not allows(pattern, origin)


def test_a_site_without_a_list_lets_nobody_in() -> None:
    assert not Site.of("shop", {}).allows("https://shop.example", "desk.example")


def test_settings_are_read_leniently() -> None:
    site = Site.of(
        "shop",
        {
            "allowed_origins": "https://a.example, https://b.example\nself",
            "color": "red; background: url(x)",
            "title": "Shop",
            "prechat": ["name", "password"],
            "suggestions_ar": "أين طلبي؟\n\n",
            "conversations_per_hour": "many",
        },
    )

    assert site == Site(
        key="shop",
        allowed_origins=("https://a.example", "https://b.example", "self"),
        title={"en": "Shop"},
        suggestions={"en": (), "ar": ("أين طلبي؟",)},
        color=DEFAULT_COLOR,
        prechat=("name",),
        conversations_per_hour=5,
    )


def test_the_widget_learns_no_secret_and_no_list_of_pages() -> None:
    shown = Site.of("shop", {"identity_secret": "hush", "allowed_origins": ["https://a.example"]}).for_widget()

    assert "hush" not in str(shown)
    assert "a.example" not in str(shown)
