"""``manage.py makemessages``, able to read Svelte and TypeScript (domain djangojs), and ``Remark``s.

xgettext takes markup and type arguments for JavaScript it does not know and skips what follows. It is given a copy
with the gettext calls alone, on their own lines: their strings are literal by rule.
"""

from __future__ import annotations

import re

from django.core.management.commands import makemessages

_STRING = r'"(?:[^"\\\n]|\\.)*"'
_CALL = re.compile(rf"\b(?:gettext|ngettext)\(\s*{_STRING}(?:\s*,\s*{_STRING})?")
_SOURCES = (".svelte", ".ts")


def calls_only(source: str) -> str:
    """The gettext calls of a file, each on the line it stands on; everything else blank."""
    lines: list[list[str]] = [[] for _ in range(source.count("\n") + 1)]
    for call in _CALL.finditer(source):
        one_line = re.sub(r"\s*\n\s*", " ", call.group())
        # ngettext's third argument is an expression of the program; any will do here
        rest = ", 0" if one_line.startswith("ngettext") else ""
        lines[source.count("\n", 0, call.start())].append(f"{one_line}{rest});")
    return "\n".join(" ".join(line) for line in lines)


class BuildFile(makemessages.BuildFile):
    @property
    def is_templatized(self) -> bool:
        return (self.domain == "djangojs" and self.path.endswith(_SOURCES)) or super().is_templatized

    def preprocess(self) -> None:
        if self.domain != "djangojs" or not self.path.endswith(_SOURCES):
            super().preprocess()
            return
        with open(self.path, encoding="utf-8") as source, open(self.work_path, "w", encoding="utf-8") as copy:
            copy.write(calls_only(source.read()))


class Command(makemessages.Command):
    build_file_class = BuildFile
    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=Remark:1"]
