"""The languages that students read: which one, and the translation of a text, through gettext's catalogues.

A text that is fixed is its own msgid. One with values in it is made by an f-string in our code: its msgid has {0}, {1}
for the values ("{0} has shape {1}, but should have {2}"), and a text in a report is recognised by the pattern that the
msgid is. Msgids with names in braces ("{step} is right") are those of `tr("...").format(...)`. What is not known, an
exception's text of the student's above all, stays as it is.

grading.po holds all but the sentences of the known bugs. These are in bugs.po, which no hand-out carries.
`python -m grading.translations` keeps both.
"""

import functools
import gettext
import os
import re
import string
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

LANGUAGES = ("en", "zh")
DOMAINS = ("grading", "bugs")
FOLDER = Path(__file__).with_name("locale")
VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set decides, as in gettext
MOST_NESTED = 8  # texts within texts; a hand-in may have made some up
JOINTS = ";, "  # what a text begins with that is put behind another one
NAMES = re.compile(r"[\w.\[\]]+(?:, [\w.\[\]]+)*")
CALLED = re.compile(r"[\w.<>/:-]+")  # RNN_Cell.forward, hw3/hw3.py:3
PLACED = re.compile(r"(.+)( \([^\s()]+\.py:\d+(?: in [^\s()]+)?\))", re.DOTALL)
INDEX = re.compile(r"(.* .*)(\[[\d, ]+\])", re.DOTALL)

QUOTING = (
    "{0} raises {1}",
    "{0} cannot be called as {1}: {2}",
    "{0} does not parse: {1}",
    "forward warns of {0}, but should not",
)
"""Patterns that end with what a student, or Python, wrote."""

IDEOGRAPH = re.compile("[\u4e00-\u9fff]")

Translate = Callable[[str], str]


def choose(wanted: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The language that was asked for, or that of the environment: Chinese of any kind is "zh", all else "en"."""
    if wanted is not None:
        return wanted
    said = next((environ[name] for name in VARIABLES if environ.get(name)), "") or _of_windows()
    return "zh" if re.match(r"(zh|chinese)(?![a-z])", said, re.IGNORECASE) else "en"


def _of_windows() -> str:
    """The language of Windows' own menus, as none of the variables says it there; "" elsewhere."""
    if sys.platform != "win32":
        return ""
    import ctypes
    import locale

    return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")


@functools.cache
def translator(language: str) -> Translate:
    """What translates a text from English; "en" leaves all as it is."""
    if language == "en":
        return str
    return functools.lru_cache(maxsize=4096)(Translator(language).translated)


class _Catalogue(gettext.GNUTranslations):
    """A catalogue that also says which msgids it has."""

    @property
    def msgids(self) -> tuple[str, ...]:
        known: Mapping[object, str] = self._catalog  # type: ignore[attr-defined]  # gettext has no public name for it
        return tuple(msgid for msgid in known if isinstance(msgid, str) and msgid)


class Pattern(NamedTuple):
    """A msgid with values: what stands before, between and after them, and the number of each."""

    msgid: str
    literals: tuple[str, ...]
    fields: tuple[int, ...]

    @property
    def letters(self) -> int:
        return sum(map(len, self.literals))

    def values_in(self, text: str) -> list[str] | None:
        """The values, by their numbers, if the text is of this pattern; each is as short as can be.

        In time proportional to the text's length, whatever is in it.
        """
        first, *between, last = self.literals
        if not (text.startswith(first) and text.endswith(last) and len(text) >= len(first) + len(last)):
            return None
        start, end = len(first), len(text) - len(last)
        values = [""] * len(self.fields)
        for number, literal in zip(self.fields, between, strict=False):  # the last value ends with the text
            at = text.find(literal, start, end)
            if at < 0:
                return None
            values[number] = text[start:at]
            start = at + len(literal)
        values[self.fields[-1]] = text[start:end]
        return values


def pattern_of(msgid: str) -> Pattern | None:
    """The pattern of a msgid with numbers in braces; None for one that has none, or names."""
    if "{" not in msgid:
        return None
    literals, fields = [""], []
    for literal, field, _, _ in string.Formatter().parse(msgid):
        literals[-1] += literal
        if field is not None:
            if not field.isdigit():
                return None
            fields.append(int(field))
            literals.append("")
    return Pattern(msgid, tuple(literals), tuple(fields)) if fields else None


def filled(message: str, values: Sequence[str]) -> str:
    """The message with its values; a space that sets a value apart is left out between two Chinese characters."""
    done = ""
    for literal, field, _, _ in string.Formatter().parse(message):
        for part in (literal, "" if field is None else values[int(field)]):
            if part[:1] == " " and IDEOGRAPH.match(part[1:]) and IDEOGRAPH.match(done[-1:]):
                part = part[1:]
            elif done[-1:] == " " and IDEOGRAPH.match(part) and IDEOGRAPH.match(done[-2:]):
                done = done[:-1]
            done += part
    return done


class Translator:
    """The catalogues of a language, and how texts are recognised that are made of several msgids."""

    def __init__(self, language: str, folder: Path = FOLDER) -> None:
        self._catalogues = list(_catalogues(language, folder))
        msgids = [msgid for catalogue in self._catalogues for msgid in catalogue.msgids]
        patterns = [pattern for msgid in msgids if (pattern := pattern_of(msgid)) is not None]
        patterns.sort(key=lambda pattern: -pattern.letters)
        self._patterns = [pattern for pattern in patterns if pattern.msgid not in QUOTING]
        self._quoting = [pattern for pattern in patterns if pattern.msgid in QUOTING]
        self._endings = [pattern for pattern in self._patterns if pattern.msgid[0] in JOINTS]
        self._fixed = {msgid for msgid in msgids if pattern_of(msgid) is None}
        self._fixed_endings = [msgid for msgid in self._fixed if msgid[0] in JOINTS]
        self._beginnings = [msgid for msgid in self._fixed if msgid.endswith(" ")]

    def translated(self, text: str, depth: int = 0) -> str:
        """The text in this language: as a whole, or of each part that is recognised."""
        if text in self._fixed:
            return self._message(text)
        if depth > MOST_NESTED:
            return text
        ways = (
            self._by_joint,
            self._placed,
            self._quoted,
            self._named,
            self._by_pattern,
            self._by_parts,
            self._by_index,
        )
        for way in ways:
            done = way(text, depth + 1)
            if done is not None:
                return done
        return text

    def _message(self, msgid: str) -> str:
        return next((said for each in self._catalogues if (said := each.gettext(msgid)) != msgid), msgid)

    def _filled(self, pattern: Pattern, values: Sequence[str], depth: int) -> str:
        return filled(self._message(pattern.msgid), [self.translated(value, depth) for value in values])

    def _by_joint(self, text: str, depth: int) -> str | None:
        """A text that one of ours was put behind, or in front of."""
        for ending in self._fixed_endings:
            if text.endswith(ending):
                return self.translated(text.removesuffix(ending), depth) + self._message(ending)
        for beginning in self._beginnings:
            if text.startswith(beginning):
                return self._message(beginning) + self.translated(text.removeprefix(beginning), depth)
        for pattern in self._endings:
            at = text.rfind(pattern.literals[0])
            if at > 0 and (values := pattern.values_in(text[at:])) is not None:
                return self.translated(text[:at], depth) + self._filled(pattern, values, depth)
        return None

    def _placed(self, text: str, depth: int) -> str | None:
        """What the place of a fault was put behind."""
        match = PLACED.fullmatch(text)
        return self.translated(match[1], depth) + match[2] if match else None

    def _quoted(self, text: str, depth: int) -> str | None:
        """A student's own text, which stays as it is, after a name."""
        for pattern in self._quoting:
            values = pattern.values_in(text)
            if values is not None and (pattern.literals[0] or CALLED.fullmatch(values[0])):
                return filled(self._message(pattern.msgid), values)
        return None

    def _named(self, text: str, depth: int) -> str | None:
        """What is said of a name: "dx: zero everywhere"."""
        names, _, said = text.partition(": ")
        is_known = said in self._fixed or self._matched(said) is not None
        return f"{names}：{self.translated(said, depth)}" if is_known and NAMES.fullmatch(names) else None

    def _by_pattern(self, text: str, depth: int) -> str | None:
        matched = self._matched(text, within=lambda value: self._matched(value) is not None)
        return None if matched is None else self._filled(*matched, depth)

    def _matched(
        self, text: str, within: Callable[[str], bool] = lambda value: False
    ) -> tuple[Pattern, list[str]] | None:
        """The longest pattern that the text is of, and its values; none with "; " in it, but for texts `within`."""
        for pattern in self._patterns:
            values = pattern.values_in(text)
            if values is not None and all("; " not in value or within(value) for value in values):
                return pattern, values
        return None

    def _by_parts(self, text: str, depth: int) -> str | None:
        """What was joined with "; "."""
        if "; " not in text:
            return None
        first, *rest = text.split("; ")
        done = self.translated(first, depth)
        for part in rest:
            translated = self.translated(part, depth)
            done += ("；" if translated != part else "; ") + translated
        return done

    def _by_index(self, text: str, depth: int) -> str | None:
        """An element of something that is told in words: "logits of the second half[0, 1]"."""
        match = INDEX.fullmatch(text)
        return self.translated(match[1], depth) + match[2] if match else None


def _catalogues(language: str, folder: Path) -> Iterator[_Catalogue]:
    for domain in DOMAINS:
        file = gettext.find(domain, folder, [language])
        if file is not None:
            with open(file, "rb") as opened:
                yield _Catalogue(opened)
        elif domain == DOMAINS[0]:
            raise FileNotFoundError(f"{folder} has no {domain}.mo for {language}: python -m grading.translations")
