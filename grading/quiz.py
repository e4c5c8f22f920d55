"""The quiz: fixtures/quiz.toml, a hand-in's answers.toml, and the points of the second by the first.

Quiz points stand beside the points of the code and are never added to them. Answers are strangers' text: whatever it
is, it is read without raising, and what is wrong with it is told in a sentence that costs the question concerned.

Nothing here tells a student the key unless the caller asks for it (`reveal`).
"""

import os
import re
import stat
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from grading.faults import Usage

DEFAULT = Path(__file__).resolve().parent.parent / "fixtures" / "quiz.toml"
ANSWERS = "answers.toml"
LARGEST = 64 * 2**10  # bytes of an answers.toml; five answers take a hundred
LONGEST = (
    500  # characters of a line: tomllib takes a time that is quadratic in the dots of one, 25 s for 64 KiB of them
)
MOST_SHOWN = 40  # characters of a student's text in a message
MOST_NAMED = 3  # entries that are no questions
KINDS = ("one", "several")
LANGUAGES = ("en", "zh")
BETWEEN = re.compile(r"[\s,;、]+")  # what may stand between letters, after NFKC has made full-width signs ASCII


class Text(NamedTuple):
    """The same in English and in Chinese."""

    en: str
    zh: str


@dataclass(frozen=True)
class Option:
    """An option: its letter, what it says, and why that is true or false."""

    letter: str
    text: Text
    why: Text


@dataclass(frozen=True)
class Question:
    """A question. code is the program or the formulas that it is about; key holds the letters of the true options."""

    question: str
    points: float
    kind: str
    text: Text
    code: str
    options: tuple[Option, ...]
    key: frozenset[str]


@dataclass(frozen=True)
class Quiz:
    """The quiz. notation says how its formulas are read; partial, whether half of the points can be earned."""

    questions: tuple[Question, ...]
    notation: Text
    partial: bool


class Answers(NamedTuple):
    """What answers.toml says: the letters given for a question, or what is wrong with them; and with the whole file."""

    letters: Mapping[str, frozenset[str]]
    faults: Mapping[str, Text]
    message: Text | None = None


class Score(NamedTuple):
    """What a question earned. outcome is "passed", "failed", or "not_run" where there is no answer to judge."""

    question: str
    points: float
    max_points: float
    outcome: str
    given: str
    message: Text


# The quiz's own file


def load(file: Path = DEFAULT) -> Quiz:
    """Read a quiz. Raises Usage, which names the file and the place, for one that is not as it should be."""
    return parse(read(file), f"the quiz {file}")


def read(file: Path) -> str:
    """The text of a quiz. Raises Usage."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise Usage(f"the quiz {file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise Usage(f"the quiz {file} is not TOML: {error}") from None


def parse(text: str, what: str) -> Quiz:
    """The quiz in a text. Raises Usage for one that is not as it should be; `what` is what to call it."""
    try:
        return _quiz(tomllib.loads(text))
    except _Unfit as unfit:
        raise Usage(f"{what}: {unfit}") from None
    except (ValueError, RecursionError) as error:
        raise Usage(f"{what} is not TOML: {error}") from None


class _Unfit(Exception):
    """What is wrong with a quiz, and where."""


def _quiz(content: dict[str, Any]) -> Quiz:
    _expect_keys(content, "it", required=("notation", "question"), optional=("partial",))
    partial = content.get("partial", False)
    if not isinstance(partial, bool):
        raise _Unfit(f"partial is {partial!r}, but should be true or false")
    questions = tuple(map(_question, _tables(content["question"], "question")))
    names = [each.question for each in questions]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _Unfit(f"two questions are called {twice[0]!r}")
    return Quiz(questions, _text(content["notation"], "notation"), partial)


def _question(table: dict[str, Any]) -> Question:
    name = table.get("id")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
        raise _Unfit(f"a question's id is {name!r}, but should be small letters and digits, as q1")
    _expect_keys(table, name, required=("id", "points", "kind", "key", "en", "zh", "option"), optional=("code",))
    points, kind, key, code = table["points"], table["kind"], table["key"], table.get("code", "")
    if isinstance(points, bool) or not isinstance(points, int | float) or not 0 <= points <= 1000:
        raise _Unfit(f"{name} is worth {points!r} points, but 0 to 1000 are possible")
    if kind not in KINDS:
        raise _Unfit(f"{name} is of kind {kind!r}, but the kinds are {', '.join(KINDS)}")
    if not isinstance(code, str):
        raise _Unfit(f"{name}'s code is {code!r}, but should be a text")
    options = tuple(_option(option, name) for option in _tables(table["option"], f"{name}'s option"))
    letters = "".join(option.letter for option in options)
    if len(options) < 2 or letters != "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(letters)]:
        raise _Unfit(f"{name}'s options are {letters!r}, but should be two or more, from A on in the alphabet's order")
    if not isinstance(key, str) or not key or not set(key) <= set(letters) or len(set(key)) < len(key):
        raise _Unfit(f"{name}'s key is {key!r}, but should be some of its options {letters}, each once")
    if kind == "one" and len(key) > 1:
        raise _Unfit(f"{name}'s key is {key!r}, but the question has one answer")
    return Question(name, points, kind, _text(_languages(table), name), code, options, frozenset(key))


def _option(table: dict[str, Any], question: str) -> Option:
    letter = table.get("id")
    where = f"{question}'s option {letter}"
    _expect_keys(table, where, required=("id", "en", "zh", "why"))
    if not isinstance(letter, str) or not re.fullmatch("[A-Z]", letter):
        raise _Unfit(f"{question} has an option {letter!r}, but should have one capital letter there")
    return Option(letter, _text(_languages(table), where), _text(table["why"], f"{where}, why"))


def _tables(value: object, what: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
        raise _Unfit(f"{what} is {value!r}, but should be one or more tables")
    return value


def _languages(table: Mapping[str, Any]) -> dict[str, Any]:
    return {language: table[language] for language in LANGUAGES}


def _text(value: object, where: str) -> Text:
    if not isinstance(value, dict) or set(value) != set(LANGUAGES):
        raise _Unfit(f"{where} is {value!r}, but should be a table of {' and '.join(LANGUAGES)}")
    for language, text in value.items():
        if not isinstance(text, str) or not text.strip():
            raise _Unfit(f"{where} has {language} = {text!r}, but should have a text there")
    return Text(**{language: text.strip() for language, text in value.items()})


def _expect_keys(
    table: Mapping[str, Any], where: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> None:
    if missing := [key for key in required if key not in table]:
        raise _Unfit(f"{where} has no {missing[0]!r}")
    if unknown := sorted(set(table) - {*required, *optional}):
        raise _Unfit(f"{where} has {unknown[0]!r}, but may have {', '.join((*required, *optional))}")


# A hand-in's answers


def answers_of(root: Path) -> Answers:
    """The answers at the root of a hand-in. Only an ordinary file is opened: no link out of it, no pipe that waits."""
    file = root / ANSWERS
    try:
        if not stat.S_ISREG(os.lstat(file).st_mode):
            return _unreadable(f"{ANSWERS} is not an ordinary file", f"{ANSWERS} 不是普通文件")
        # The flags for what might have been put there since.
        descriptor = os.open(file, os.O_RDONLY | _flag("O_NOFOLLOW") | _flag("O_NONBLOCK") | _flag("O_BINARY"))
        with open(descriptor, "rb") as opened:
            return read_answers(opened.read(LARGEST + 1))
    except FileNotFoundError:
        return _unreadable(f"there is no {ANSWERS}, so the quiz earns nothing", f"没有找到 {ANSWERS}，选择题不得分")
    except OSError as error:
        return _unreadable(f"{ANSWERS} cannot be read: {error.strerror}", f"无法读取 {ANSWERS}")


def _flag(name: str) -> int:
    """A flag of os.open, which not every system has."""
    value: int = getattr(os, name, 0)
    return value


def unread(why: str) -> Answers:
    """No answers, of a hand-in that could not be graded."""
    return _unreadable(f"{ANSWERS} was not read: {why}", f"{ANSWERS} 未被读取：{why}")


def read_answers(content: str | bytes) -> Answers:
    """Read an answers.toml. Never raises: what cannot be understood is told as the student's fault."""
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if len(raw) > LARGEST:
        return _unreadable(f"{ANSWERS} is larger than {LARGEST:,} bytes", f"{ANSWERS} 超过 {LARGEST:,} 字节")
    try:
        text = raw.decode("utf-8-sig")  # some editors on Windows begin a file with a byte-order mark
    except UnicodeDecodeError:
        return _unreadable(
            f"{ANSWERS} is not in UTF-8; save it again in that encoding",
            f"{ANSWERS} 不是 UTF-8 编码，请以 UTF-8 重新保存",
        )
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > LONGEST:
            return _unreadable(
                f"line {number} of {ANSWERS} is longer than {LONGEST} characters",
                f"{ANSWERS} 第 {number} 行超过 {LONGEST} 个字符",
            )
    try:
        return _answers(tomllib.loads(text))
    except RecursionError:
        return _unreadable(f"{ANSWERS} is nested too deeply", f"{ANSWERS} 嵌套过深")
    except ValueError as error:  # TOMLDecodeError, and what int and datetime say of a number or date that is none
        place = re.search(r"at line (\d+), column (\d+)", str(error))
        en = f" (line {place[1]}, column {place[2]})" if place else ""
        zh = f"（第 {place[1]} 行，第 {place[2]} 列）" if place else ""
        return _unreadable(
            f'{ANSWERS} is not TOML{en}; write an answer as q1 = "A", with straight quotes',
            f'{ANSWERS} 不是有效的 TOML{zh}；答案应写作 q1 = "A"，引号用英文半角',
        )


def _unreadable(en: str, zh: str) -> Answers:
    return Answers({}, {}, Text(en, zh))


def _answers(content: Mapping[str, object]) -> Answers:
    letters: dict[str, frozenset[str]] = {}
    faults: dict[str, Text] = {}
    for key, value in content.items():
        question = _normal(key).strip().casefold()
        if question in letters or question in faults:
            letters.pop(question, None)
            faults[question] = Text("the question is answered twice", "同一题作答了两次")
        elif (given := _letters(value)) is None:
            faults[question] = Text('the answer should be letters in quotes, as "A"', '答案应为引号中的字母，如 "A"')
        else:
            letters[question] = given
    return Answers(letters, faults)


def _letters(value: object) -> frozenset[str] | None:
    """The letters of "BC", "b, c" or ["B", "C"], with whatever else stands for one; None for what is no text."""
    parts = value if isinstance(value, list) else [value]
    texts = [part for part in parts if isinstance(part, str)]
    if len(texts) < len(parts):
        return None
    return frozenset(BETWEEN.sub("", _normal("".join(texts))).upper())


def _normal(text: str) -> str:
    """The text with ASCII for full-width letters and signs, which a Chinese keyboard may type."""
    return unicodedata.normalize("NFKC", text)


# Points


def score(quiz: Quiz, answers: Answers, partial: bool | None = None) -> tuple[Score, ...]:
    """What each question earns. partial, where it is given, takes the place of the quiz's own."""
    half = quiz.partial if partial is None else partial
    return tuple(_score(question, answers, half) for question in quiz.questions)


def _score(question: Question, answers: Answers, partial: bool) -> Score:
    def earns(points: float, outcome: str, en: str, zh: str) -> Score:
        return Score(question.question, points, question.points, outcome, shown, Text(en, zh))

    shown = ""
    if fault := answers.faults.get(question.question):
        return earns(0, "failed", *fault)
    given = answers.letters.get(question.question, frozenset())
    if not given:
        return earns(0, "not_run", "there is no answer", "未作答")
    options = [option.letter for option in question.options]
    if unknown := sorted(given - set(options)):
        what, among = _quoted(unknown), ", ".join(options)
        return earns(0, "failed", f"no option is called {what}; there are {among}", f"没有选项 {what}；选项为 {among}")
    shown = "".join(sorted(given))
    if given == question.key:
        return earns(question.points, "passed", f"{shown} is right", f"{shown} 正确")
    if question.kind == "one" and len(given) > 1:
        return earns(0, "failed", f"one answer is asked for, not {shown}", f"本题为单选题，不能选 {shown}")
    if partial and given < question.key:
        return earns(question.points / 2, "failed", f"{shown} is right, but not all", f"{shown} 正确，但不完整")
    return earns(0, "failed", f"{shown} is not right", f"{shown} 不正确")


def section(quiz: Quiz, answers: Answers, partial: bool | None = None, reveal: bool = False) -> dict[str, Any]:
    """The quiz in a report, as plain JSON; "zh" holds the Chinese of the texts beside it.

    A report goes to the student. The key, and why the options that they misjudged are true or false, stand in it only
    with `reveal`.
    """
    scores = score(quiz, answers, partial)
    message = _of_the_file(quiz, answers)
    return {
        "points": _number(sum(each.points for each in scores)),
        "max_points": _number(sum(each.max_points for each in scores)),
        "message": message.en,
        "questions": [
            _entry(question, each, reveal) for question, each in zip(quiz.questions, scores, strict=True)
        ],
        "zh": {"message": message.zh},
    }  # fmt: skip


def as_read(answers: Answers) -> Text:
    """What is read in a hand-in's answers.toml, for a student who does not get it judged."""
    if answers.message is not None:
        return answers.message
    letters = {name: "".join(sorted(given)) for name, given in answers.letters.items()}
    faults, none = answers.faults, Text("no answer", "未作答")
    en, zh = (
        ", ".join(
            f"{_shown(name)} {_shown(letters.get(name, '')) or faults.get(name, none)[place]}"
            for name in sorted({*letters, *faults})
        )
        for place in range(len(LANGUAGES))
    )
    return Text(f"{ANSWERS} holds {en or 'no answers'}", f"{ANSWERS} 中的答案：{zh or '无'}")


def _shown(text: str) -> str:
    """A word of a student's as it is, or quoted where it is not letters and digits."""
    return text if (text.isascii() and text.isalnum()) or not text else _quoted([text])


def _of_the_file(quiz: Quiz, answers: Answers) -> Text:
    """What there is to say about the whole file: why it was not read, or which of its entries are no questions."""
    if answers.message:
        return answers.message
    known = [question.question for question in quiz.questions]
    unknown = sorted({*answers.letters, *answers.faults} - set(known))
    if not unknown:
        return Text("", "")
    what, among = _quoted(unknown), ", ".join(known)
    return Text(f"no question is called {what}; there are {among}", f"没有题目 {what}；题目为 {among}")


def _entry(question: Question, scored: Score, reveal: bool) -> dict[str, Any]:
    entry = {
        "question": scored.question,
        "points": _number(scored.points),
        "max_points": _number(scored.max_points),
        "given": scored.given,
        "outcome": scored.outcome,
        "message": scored.message.en,
    }
    chinese = {"message": scored.message.zh}
    if reveal:
        misjudged = [
            option for option in question.options if (option.letter in scored.given) != (option.letter in question.key)
        ]
        verdict = {True: Text("is true", "正确"), False: Text("is false", "错误")}
        said = [(option, verdict[option.letter in question.key]) for option in misjudged]
        entry["key"] = "".join(sorted(question.key))
        entry["explanation"] = "\n".join(f"{option.letter} {word.en}: {option.why.en}" for option, word in said)
        chinese["explanation"] = "\n".join(f"{option.letter} {word.zh}：{option.why.zh}" for option, word in said)
    return {**entry, "zh": chinese}


def _quoted(names: list[str]) -> str:
    """Names that a student chose, on one line and not too long; repr writes what does not print as an escape."""
    told = [repr(name if len(name) <= MOST_SHOWN else name[:MOST_SHOWN] + "…") for name in names[:MOST_NAMED]]
    return ", ".join(told) + (", …" if len(names) > MOST_NAMED else "")


def _number(points: float) -> float | int:
    """Points as a JSON number, 2 rather than 2.0."""
    rounded = round(points, 6)
    return int(rounded) if rounded == int(rounded) else rounded
