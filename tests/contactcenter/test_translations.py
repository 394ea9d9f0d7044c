"""Arabic is complete: no text for people goes out untranslated.

When a test here is red, run ``manage.py makemessages -l ar --no-location -i node_modules -i .venv -i data
-i static/dist -i tests`` (for static/src: and ``-d djangojs -e js,ts,svelte``) and translate what is new or fuzzy in
locale/ar.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import unfold
from babel.messages import Catalog, Message
from babel.messages.pofile import read_po
from django.test import override_settings
from django.utils.translation import gettext, ngettext, override
from django.utils.translation.template import templatize

from contactcenter.management.commands.makemessages import calls_only

ROOT = Path(__file__).parents[2]
APPS = ("agents", "channels_adapters", "contactcenter", "conversations", "flows", "routing")
UNFOLD = Path(unfold.__file__).parent
UNFOLD_APPS = ("filters",)  # of unfold.contrib; the others are not installed

SINGULAR = {"_", "gettext", "gettext_lazy", "gettext_noop", "Remark"}
PLURAL = {"ngettext", "ngettext_lazy"}
LITERAL = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
CALL = re.compile(rf"\b(?:(gettext)\(\s*({LITERAL})|ngettext\(\s*({LITERAL})\s*,\s*({LITERAL}))")
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?(?:\.\d+)?[sdf%]|\{\w*\}")

Text = str | tuple[str, str]


def in_calls(source: str) -> Iterator[Text]:
    """The texts of the gettext calls of JavaScript, or of a template that ``templatize`` made readable."""
    for call in CALL.finditer(source):
        if call[1]:
            yield ast.literal_eval(call[2])
        else:
            yield ast.literal_eval(call[3]), ast.literal_eval(call[4])


def in_template(path: Path) -> Iterator[Text]:
    readable = templatize(path.read_text())
    assert "pgettext(" not in readable, f"{path}: texts with a context are not looked for here"
    return in_calls(readable)


def calls_in_python(path: Path) -> Iterator[tuple[str, list[ast.expr]]]:
    """(function, its text arguments) of each gettext call."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = str(getattr(node.func, "attr", None) or getattr(node.func, "id", ""))
        assert "pgettext" not in name, f"{path}: texts with a context are not looked for here"
        if name in SINGULAR | PLURAL:
            yield name, node.args[:1] if name in SINGULAR else node.args[:2]


def in_python(path: Path) -> Iterator[Text]:
    for _name, words in calls_in_python(path):
        texts = [word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)]
        if len(texts) == len(words):
            yield texts[0] if len(texts) == 1 else (texts[0], texts[1])


def modules_of_the_server() -> list[Path]:
    return [module for app in APPS for module in (ROOT / app).rglob("*.py")]


def texts_of_the_server() -> set[Text]:
    pages = [*ROOT.glob("templates/**/*.html"), *(page for app in APPS for page in (ROOT / app).rglob("*.html"))]
    return {text for page in pages for text in in_template(page)} | {
        text for module in modules_of_the_server() for text in in_python(module)
    }


def texts_of_the_front_end() -> set[Text]:
    files = [path for path in (ROOT / "static" / "src").rglob("*") if path.suffix in {".svelte", ".ts"}]
    return {text for path in files if ".test." not in path.name for text in in_calls(calls_only(path.read_text()))}


def texts_of_unfold() -> set[Text]:
    def is_ours(path: Path) -> bool:
        parts = path.relative_to(UNFOLD).parts
        return "unfold_crispy" not in parts and (parts[0] != "contrib" or parts[1] in UNFOLD_APPS)

    pages = [path for path in UNFOLD.rglob("*.html") if is_ours(path)]
    modules = [path for path in UNFOLD.rglob("*.py") if is_ours(path)]
    return {text for page in pages for text in in_template(page)} | {
        text for module in modules for text in in_python(module)
    }


def catalog(domain: str) -> Catalog:
    with (ROOT / "locale" / "ar" / "LC_MESSAGES" / f"{domain}.po").open("rb") as source:
        return read_po(source, abort_invalid=True)


def messages(domain: str) -> list[Message]:
    return [message for message in catalog(domain) if message.id]


def forms(message: Message) -> list[str]:
    """The translation; one for each number if it has numbers."""
    return [message.string or ""] if isinstance(message.string, str | None) else list(message.string)


def known(domain: str) -> set[Text]:
    return {
        message.id if isinstance(message.id, str) else (message.id[0], message.id[1]) for message in messages(domain)
    }


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


@pytest.mark.parametrize(
    ("domain", "texts", "at_least"),
    [("django", texts_of_the_server, 400), ("djangojs", texts_of_the_front_end, 200)],
)
def test_every_text_of_the_sources_is_in_the_arabic_catalog(
    domain: str, texts: Callable[[], set[Text]], at_least: int
) -> None:
    found = texts()

    assert len(found) > at_least
    assert sorted(found - known(domain), key=str) == []


def test_no_text_of_the_server_is_put_together_before_it_is_translated() -> None:
    # A name is a constant that gettext_noop marks where it is defined.
    odd = [
        f"{module.relative_to(ROOT)}:{word.lineno}"
        for module in modules_of_the_server()
        for _name, words in calls_in_python(module)
        for word in words
        if not isinstance(word, ast.Constant | ast.Name)
    ]

    assert odd == []


@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_everything_in_the_arabic_catalog_is_translated(domain: str) -> None:
    def is_missing(message: Message) -> bool:
        expected = 1 if isinstance(message.id, str) else 6  # none, one, two, few, many, other
        return message.fuzzy or len(forms(message)) != expected or not all(form.strip() for form in forms(message))

    assert catalog(domain).num_plurals == 6
    assert [message.id for message in messages(domain) if is_missing(message)] == []


@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_arabic_has_the_placeholders_of_the_english(domain: str) -> None:
    def differs(message: Message) -> bool:
        wanted = placeholders(message.id if isinstance(message.id, str) else message.id[1])
        found = [placeholders(form) for form in forms(message)]
        # none, one and two things are words in Arabic: these forms may leave the number out
        in_words = [] if isinstance(message.id, str) else found[:3]
        return any(set(form) - set(wanted) or len(set(wanted) - set(form)) > 1 for form in in_words) or any(
            form != wanted for form in found[len(in_words) :]
        )

    assert [message.id for message in messages(domain) if differs(message)] == []


def test_the_admin_theme_speaks_arabic() -> None:
    # When red after an update of Unfold: list the new texts in contactcenter/unfold_strings.py.
    found = texts_of_unfold()
    ours = known("django")

    with override_settings(LOCALE_PATHS=[]), override("ar"):  # what Django translates itself
        english = {
            text
            for text in found - ours
            if (gettext(text) == text if isinstance(text, str) else ngettext(text[0], text[1], 5) == text[1])
        }

    assert len(found) > 100
    assert english == set()
