"""wg0.conf's text into sections, keys and comments; which keys there are. Pure.

No value is ever repeated in an error: it may be a key, or what slipped into its place.
"""

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, NoReturn

from agents.settings_model import SettingsError

PASSED_OVER: Final = {
    "dns": "DNS",
    "table": "Table",
    "saveconfig": "SaveConfig",
    "fwmark": "FwMark",
    "preup": "PreUp",
    "postup": "PostUp",
    "predown": "PreDown",
    "postdown": "PostDown",
}
SPELLING: Final = {
    "address": "Address",
    "listenport": "ListenPort",
    "privatekey": "PrivateKey",
    "mtu": "MTU",
    "publickey": "PublicKey",
    "presharedkey": "PresharedKey",
    "allowedips": "AllowedIPs",
    "endpoint": "Endpoint",
    "persistentkeepalive": "PersistentKeepalive",
}
KNOWN: Final = {
    "interface": ("address", "listenport", "privatekey", "mtu"),
    "peer": (
        "publickey",
        "presharedkey",
        "allowedips",
        "endpoint",
        "persistentkeepalive",
    ),
}
_LISTS: Final = frozenset({"address", "allowedips"})
_SHOWN: Final = {**SPELLING, **PASSED_OVER}  # other words may be parts of a key


@dataclass(slots=True)
class Value:
    """What stands behind a key, from which line on; lists collect several lines."""

    line: int
    items: list[str]


@dataclass(slots=True)
class Section:
    """A section as read: values by lower-case key, and the comments that name it."""

    title: str
    line: int
    values: dict[str, Value] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)


class Reader:
    """Reads one file.

    Attributes:
        sections: In the order of the file.
        passed_over: For the log: keys that have no effect, with their lines.
    """

    def __init__(self, file: str) -> None:
        self.sections: list[Section] = []
        self.passed_over: list[str] = []
        self._file = file
        self._above: list[str] = []  # comments since the last blank line or key

    def read(self, text: str) -> None:
        """Takes the whole text in.

        Raises:
            SettingsError: A line is none that WireGuard's files have.
        """
        for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
            content, hash_, comment = (part.strip() for part in raw.partition("#"))
            if content.startswith("["):
                self._head(content, comment, number)
            elif content:
                self._assignment(content, number)
            elif hash_:
                self._comment(comment)
            else:
                self._above = []

    def _comment(self, comment: str) -> None:
        self._above.append(comment)
        if self.sections:
            self.sections[-1].comments.append(comment)

    def _head(self, content: str, comment: str, number: int) -> None:
        title = content[1:-1].strip().lower() if content.endswith("]") else ""
        if title not in KNOWN:
            self._fail(number, "section", "another", "[Interface] or [Peer]")
        if self.sections and self._above:  # they belong to what follows
            del self.sections[-1].comments[-len(self._above) :]
        comments = [*self._above, comment] if comment else self._above
        self.sections.append(Section(title, number, comments=comments))
        self._above = []

    def _assignment(self, content: str, number: int) -> None:
        self._above = []
        word, equals, value = (part.strip() for part in content.partition("="))
        shown = _SHOWN.get(word.lower(), "line")
        if not self.sections:
            self._fail(number, shown, "it before any section", "[Interface] first")
        section, key = self.sections[-1], word.lower()
        if section.title == "interface" and key in PASSED_OVER:
            self.passed_over.append(f"line {number}: {shown}")
            return
        if not equals:
            self._fail(number, shown, "no value", "KEY = VALUE")
        if key not in KNOWN[section.title]:
            near = get_close_matches(key, KNOWN[section.title], n=1)
            wanted = ", ".join(SPELLING[one] for one in near or KNOWN[section.title])
            one_of = "" if near else "one of "
            self._fail(number, shown, "something unknown", f"{one_of}{wanted}")
        if key not in section.values:
            section.values[key] = Value(number, [])
        elif key not in _LISTS:
            self._fail(number, shown, "a second one", "one in its section")
        items = value.split(",") if key in _LISTS else [value]
        section.values[key].items += [item.strip() for item in items]

    def _fail(self, number: int, key: str, got: str, wanted: str) -> NoReturn:
        raise SettingsError(f"{self._file}:{number}", key, got, wanted)
