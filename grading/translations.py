"""python -m grading.translations: brings the catalogues of texts up to date with the sources, and compiles them.

Texts that are new are added to locale/zh/LC_MESSAGES/*.po without a translation, texts that are no more are taken out,
and .mo files are written from what is translated. Exit status 1 where a translation is missing. Needs Babel, which is
for maintainers: at run time gettext reads the .mo files.
"""

import io
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from grading import texts
from grading.language import DOMAINS, FOLDER, LANGUAGES

SOURCES: Mapping[str, Callable[[], texts.Found]] = dict(zip(DOMAINS, (texts.of_grading, texts.of_bugs), strict=True))
PROJECT = "rnn-grading-suite"
NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # the same texts make the same files


def main() -> int:
    """Write all catalogues; return the exit status."""
    missing = 0
    for language in LANGUAGES[1:]:
        for domain in DOMAINS:
            catalogue = updated(domain, language)
            target = place(domain, language)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(as_po(catalogue))
            target.with_suffix(".mo").write_bytes(as_mo(catalogue))
            lacking = untranslated(catalogue)
            missing += len(lacking)
            print(f"{target.relative_to(texts.ROOT).as_posix()}: {len(catalogue)} texts, {len(lacking)} untranslated")
            for msgid in lacking:
                print(f"  {msgid}")
    return 1 if missing else 0


def place(domain: str, language: str) -> Path:
    """The .po of a domain; the .mo lies beside it."""
    return FOLDER / language / "LC_MESSAGES" / f"{domain}.po"


def read(domain: str, language: str) -> Catalog:
    """The catalogue as it is, empty where there is none yet."""
    file = place(domain, language)
    return read_po(io.BytesIO(file.read_bytes()), locale=language) if file.exists() else _empty(domain, language)


def updated(domain: str, language: str) -> Catalog:
    """The catalogue with all texts of the sources and no others, and the translations that there are."""
    old, new = read(domain, language), _empty(domain, language)
    for msgid, files in SOURCES[domain]().items():
        known = old.get(msgid)
        new.add(msgid, known.string if known else "", locations=[(file, 1) for file in files])
    return new


def untranslated(catalogue: Catalog) -> list[str]:
    """The texts of a catalogue that have no translation."""
    return [str(message.id) for message in catalogue if message.id and not message.string]


def as_po(catalogue: Catalog) -> bytes:
    """The catalogue as a .po."""
    file = io.BytesIO()
    write_po(file, catalogue, width=120, include_lineno=False)
    return file.getvalue()


def as_mo(catalogue: Catalog) -> bytes:
    """The catalogue as a .mo."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def _empty(domain: str, language: str) -> Catalog:
    return Catalog(
        locale=language,
        domain=domain,
        header_comment="# Texts that students read. `python -m grading.translations` keeps their list.",
        project=PROJECT,
        version="1",
        creation_date=NO_TIME,
        revision_date=NO_TIME,
        last_translator=PROJECT,
        language_team=PROJECT,
        msgid_bugs_address=PROJECT,
        fuzzy=False,
    )


if __name__ == "__main__":
    sys.exit(main())
