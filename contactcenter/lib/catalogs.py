"""Translations: .po files are compiled where they lie. ``python -m contactcenter.lib.catalogs`` compiles what is stale.

Finding them needs the standard library only (the bootstrap asks before anything is installed); compiling needs Babel,
so that no gettext tools have to be on the machine.
"""

from __future__ import annotations

import glob
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def stale(root: str) -> list[str]:
    """The catalogs (.po) of the project, its apps and its adapters that are newer than what was compiled of them."""
    return [
        catalog
        for above in ("", "*", os.path.join("*", "*"))
        for catalog in glob.glob(os.path.join(root, above, "locale", "*", "LC_MESSAGES", "*.po"))
        if not os.path.exists(_compiled(catalog)) or os.path.getmtime(_compiled(catalog)) < os.path.getmtime(catalog)
    ]


def _compiled(catalog: str) -> str:
    return catalog[: -len(".po")] + ".mo"


def compile_stale(root: str) -> None:
    """Write a .mo beside every stale .po. Raises when one cannot be read, naming it."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for path in stale(root):
        print(path)
        with open(path, "rb") as source:
            catalog = read_po(source, abort_invalid=True)
        with open(_compiled(path) + ".new", "wb") as target:
            write_mo(target, catalog)
        os.replace(_compiled(path) + ".new", _compiled(path))


if __name__ == "__main__":
    compile_stale(sys.argv[1] if len(sys.argv) > 1 else ROOT)
