from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("lang", "direction", "word"), [("en", "ltr", "slow mornings"), ("ar", "rtl", "لصباحات")])
def test_the_shop_embeds_the_widget_with_one_script_tag(settings: Any, lang: str, direction: str, word: str) -> None:
    settings.SIMULATORS = True

    page = Client().get(f"/shop/?lang={lang}").content.decode()

    assert f'<html lang="{lang}" dir="{direction}">' in page
    assert word in page
    assert page.count('<script src="/static/widget.js" data-site="demo-shop" defer></script>') == 1


def test_the_shop_keeps_to_a_strict_policy(settings: Any) -> None:
    """No inline script or style, nothing from anybody else."""
    settings.SIMULATORS = True

    page = Client().get("/shop/").content.decode()

    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page) == []
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page) == []


def test_there_is_no_shop_outside_the_demo(settings: Any) -> None:
    settings.SIMULATORS = False

    assert Client().get("/shop/").status_code == 404
