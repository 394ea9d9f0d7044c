from __future__ import annotations

from pathlib import Path

from contactcenter.management.commands.makemessages import calls_only

SOURCES = Path(__file__).parents[2] / "static" / "src"


def test_only_the_calls_are_left_on_their_own_lines() -> None:
    source = """<script lang="ts">
  const rows = new Map<string, number>();
</script>
{#if rows.size}<p title={gettext("Title")}>{gettext("Don't \\"stop\\"")}</p>{/if}
<!-- isn't -->
{interpolate(ngettext("%(n)s file", "%(n)s files", count), { n: count })}
"""

    assert calls_only(source).split("\n") == [
        "",
        "",
        "",
        'gettext("Title"); gettext("Don\'t \\"stop\\"");',
        "",
        'ngettext("%(n)s file", "%(n)s files", 0);',
        "",
    ]


def test_calls_broken_over_lines_are_put_together() -> None:
    assert calls_only('x(\n  ngettext(\n    "one",\n    "many",\n    n,\n  ),\n)').split("\n")[1] == (
        'ngettext( "one", "many", 0);'
    )


def test_every_string_of_the_front_end_is_literal() -> None:
    files = [*SOURCES.rglob("*.svelte"), *(path for path in SOURCES.rglob("*.ts") if ".test." not in path.name)]
    calls = {path: path.read_text().count("gettext(") - path.read_text().count("function gettext(") for path in files}
    found = {path: calls_only(path.read_text()).count("gettext(") for path in files}

    odd = {path.name for path in files if calls[path] != found[path]}

    assert len(files) > 50
    assert odd <= {"i18n.ts"}
