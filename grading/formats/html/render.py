"""Templates filled in: everything is escaped, and what would be obeyed rather than shown is made visible."""

import base64
import functools
import hashlib
import unicodedata
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from grading.language import Translate
from grading.layout import plain
from grading.problems import pays

HERE = Path(__file__).parent
LANG = {"en": "en", "zh": "zh-Hans"}  # as HTML's lang attribute has them (BCP 47)
PUNCTUATION = {  # after a name, and between sentences
    "en": {"colon": ": ", "between": " "},
    "zh": {"colon": "：", "between": ""},
}
MOST_STACKED = 3  # accents on one letter


def filled(template: str, language: str, tr: Translate, **values: Any) -> str:
    """The template with these values, as a whole page."""
    style, policy = _style()
    return (
        _environment()
        .get_template(template)
        .render(values, tr=tr, lang=LANG[language], **PUNCTUATION[language], style=style, policy=policy)
    )


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["number"] = number
    environment.globals["pays"] = pays
    return environment


@functools.cache
def _style() -> tuple[Markup, str]:
    """The style sheet, and the policy that allows this sheet, pictures in the page itself, and nothing else."""
    style = (HERE / "templates" / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return Markup(style), policy  # our own file, with nothing of a hand-in in it


def shown(value: Any) -> Any:
    """What a template prints. Of text, characters that a browser would obey, as those that turn the direction of
    writing, become their escapes; and of accents piled on one letter, which would cover what stands above, a few stay.
    """
    if not isinstance(value, str) or isinstance(value, Markup) or (value.isascii() and value.isprintable()):
        return value
    return _unpiled(plain(value))


def _unpiled(text: str) -> str:
    kept, piled = [], 0
    for character in text:
        piled = piled + 1 if unicodedata.combining(character) else 0
        if piled <= MOST_STACKED:
            kept.append(character)
    return "".join(kept)


def number(value: float) -> str:
    """Points as people write them: 10, 2.5."""
    return f"{value:g}"
