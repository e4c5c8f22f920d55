"""The catalogues are complete both ways: every text that a student may read is translated, and there is no other."""

import gettext
import io
import re
import string

import pytest
from babel.messages.mofile import read_mo

from grading import texts, translations
from grading.language import DOMAINS, FOLDER, QUOTING, translator

CHINESE = "\u4e00-\u9fff"
SAME = {"cell(x, h)", "{message}."}  # what is code, or a name, in every language


def fields(text):
    """The names and numbers in braces."""
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


@pytest.fixture(scope="module", params=DOMAINS)
def catalogue(request):
    """The translations of a domain by their msgids."""
    return {message.id: message.string for message in translations.read(request.param, "zh") if message.id}


@pytest.fixture
def found(request):
    return translations.SOURCES[request.node.callspec.params["catalogue"]]()


# Complete


def test_every_text_has_its_place(catalogue, found):
    """What the sources say and the catalogue does not is missing; what it has and they do not is left over.

    Mend both with `python -m grading.translations`, and translate what it names.
    """
    assert sorted(set(found) - set(catalogue)) == []
    assert sorted(set(catalogue) - set(found)) == []


def test_every_text_is_translated(catalogue):
    """Into Chinese, but for code."""
    assert [text for text, said in catalogue.items() if not re.search(f"[{CHINESE}]", said) and text not in SAME] == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_what_is_read_at_run_time_is_what_was_translated(domain):
    """Each .mo has the texts of its .po, for gettext as for Babel."""
    written = {message.id: message.string for message in translations.read(domain, "zh") if message.id}
    compiled = translations.place(domain, "zh").with_suffix(".mo")
    with open(compiled, "rb") as file:
        read = {message.id: message.string for message in read_mo(file) if message.id}
    by_gettext = gettext.translation(domain, FOLDER, ["zh"])

    assert read == written
    assert all(by_gettext.gettext(msgid) == said for msgid, said in written.items())


def test_values_are_kept(catalogue):
    """A translation has the values of its text, each at least once, and no others."""
    assert [text for text, said in catalogue.items() if fields(text) != fields(said)] == []


def test_names_are_kept(catalogue):
    """Functions, gradients, weights, files and numbers are in the translation as in the text."""
    name = re.compile(r"\b(?:\w*_\w+|d[A-Z]\w*|[A-Z]{2}\w*|\w+\.py|\d+|logits|delta|h~)\b")
    lost = {text: set(name.findall(text)) - set(name.findall(said)) for text, said in catalogue.items()}

    assert {text: names for text, names in lost.items() if names and text not in ("timed_out", "not_run")} == {}


# Form


def test_sentences_end_as_sentences_do(catalogue):
    """A full stop for a full stop, a colon for a colon."""
    signs = {".": "。", ":": "："}

    assert [text for text, said in catalogue.items() if text[-1] in signs and said[-1:] != signs[text[-1]]] == []


def test_signs_between_chinese_are_chinese(catalogue):
    """No comma, semicolon, colon, full stop or bracket of English follows a Chinese character."""
    assert [said for said in catalogue.values() if re.search(rf"[{CHINESE}][,;:.?!()]", said)] == []


def test_letters_and_digits_stand_apart_from_chinese(catalogue):
    """A space between them, as in the hand-out's README."""
    close = re.compile(rf"[{CHINESE}][A-Za-z0-9]|[A-Za-z0-9][{CHINESE}]")

    assert [said for said in catalogue.values() if close.search(said)] == []


# How texts are found


MODULE = '''
"""A docstring is no text."""

NAMES = ("method", "GRU Forward")


def check(seen: "Mapping[str, int]") -> "tuple[int, str]":
    """Nor is this one."""
    off = f"off by {seen.off:.2g}, " if seen.off else ""
    raise Wrong(f"{seen.what!r} is {seen.value}, but should be {', '.join(seen.names)} ({off}allowed {1e-9:.1g})")
    raise Broken("never in a report")
    raise Wrong("it is wrong " "all over {" f"{seen}" "}")
'''


def test_texts_are_found_in_code():
    """Constants and f-strings that read like words, values numbered; no docstring, annotation or fault of ours."""
    assert list(texts.made_in(MODULE, single=("method",))) == [
        "method",
        "off by {0}, ",
        "{0} is {1}, but should be {2} ({3}allowed {4})",
        "it is wrong all over {{{0}}}",
    ]


def test_texts_are_found_where_they_are_translated():
    """In tr("..."), whatever tr belongs to, also where one of two is chosen; a variable is found elsewhere."""
    source = 'tr("one"), manner.tr("two {x}").format(x=tr(text)), tr("a" if x else "b"), print("no")'

    assert set(texts.translated_in(source)) == {"one", "two {x}", "a", "b"}


def test_texts_are_found_in_templates():
    """In {{ tr("...") }}, alone or formatted, and no variable."""
    template = '{{ tr("one") }} {{ tr("two {x}").format(x=1) }} {{ tr(variable) }} {% if x %}{{ tr("a") }}{% endif %}'

    assert list(texts.translated_in_template(template)) == ["one", "two {x}", "a"]


def test_what_is_left_out_is_there_to_be_left_out(monkeypatch):
    """Each text of NOT_SHOWN and each single word is in the files still."""
    files = [file for pattern in texts.MADE_IN for file in texts.ROOT.glob(pattern)]
    with monkeypatch.context() as patched:
        patched.setattr(texts, "NOT_SHOWN", {})
        everything = {text for file in files for text in texts.made_in(file.read_text(encoding="utf-8"))}

    assert set(texts.NOT_SHOWN) <= everything
    for file, words in texts.SINGLE_WORDS.items():
        assert set(words) <= set(texts.made_in((texts.ROOT / file).read_text(encoding="utf-8"), single=words))
    assert all(list(texts.ROOT.glob(pattern)) for pattern in texts.MADE_IN)
    assert set(QUOTING) <= set(texts.of_grading())


# The command


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Catalogues in a folder of the test's, of these texts."""

    def write(found):
        monkeypatch.setattr(translations, "FOLDER", tmp_path)
        monkeypatch.setattr(texts, "ROOT", tmp_path)
        monkeypatch.setattr(translations, "SOURCES", {"grading": lambda: found, "bugs": dict})
        return tmp_path / "zh" / "LC_MESSAGES" / "grading.po"

    return write


def test_the_command_adds_what_is_new_and_takes_out_what_is_no_more(elsewhere, capsys):
    """Translations that are there stay; what has none is named, and the exit status is 1."""
    po = elsewhere({"one {0}": ["a.py"], "two": ["b.py"]})
    assert translations.main() == 1
    assert "2 texts, 2 untranslated\n  one {0}\n  two\n" in capsys.readouterr().out

    text = po.read_text(encoding="utf-8")
    po.write_text(text.replace('msgid "two"\nmsgstr ""', 'msgid "two"\nmsgstr "二"'), encoding="utf-8")
    elsewhere({"two": ["b.py"], "three": ["c.py"]})
    assert translations.main() == 1
    catalogue = {message.id: message.string for message in translations.read("grading", "zh") if message.id}
    assert catalogue == {"two": "二", "three": ""}
    compiled = read_mo(io.BytesIO(po.with_suffix(".mo").read_bytes()))
    assert {message.id: message.string for message in compiled if message.id} == {"two": "二"}

    elsewhere({"two": ["b.py"]})
    assert translations.main() == 0


def test_the_same_texts_make_the_same_files(elsewhere):
    """No time is in them, so that nothing changes where nothing did."""
    po = elsewhere({"one": ["a.py"]})
    translations.main()
    first = po.read_bytes(), po.with_suffix(".mo").read_bytes()
    translations.main()

    assert (po.read_bytes(), po.with_suffix(".mo").read_bytes()) == first


def test_no_hand_out_needs_the_bugs(tmp_path, monkeypatch):
    """Without bugs.mo all other texts are translated; what is said of bugs stays English."""
    from grading.language import Translator

    target = tmp_path / "zh" / "LC_MESSAGES" / "grading.mo"
    target.parent.mkdir(parents=True)
    target.write_bytes(translations.place("grading", "zh").with_suffix(".mo").read_bytes())
    carried = Translator("zh", tmp_path)

    assert carried.translated("zero everywhere") == "处处为零"
    assert carried.translated("db_hh is never set.") == "db_hh is never set."
    assert translator("zh")("db_hh is never set.") == "db_hh 从未赋值。"
