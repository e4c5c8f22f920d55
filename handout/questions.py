"""quiz.md: the questions of the quiz and their options, in both languages, without the key and its reasons."""

from collections.abc import Iterator

from grading.quiz import LANGUAGES, Question, Quiz

TITLES = {"en": "# Quiz", "zh": "# 选择题"}
HOW = {
    "en": 'Write your answers into `answers.toml`, a line a question, as `q1 = "A"` or `q2 = "AC"`.',
    "zh": '请把答案写入 `answers.toml`，每题一行，如 `q1 = "A"` 或 `q2 = "AC"`。',
}
HALF = {
    "en": "one or more answers, half of the points where some are given and none is wrong",
    "zh": "多选，少选且无错选得一半分",
}
KINDS = {
    "en": {"one": "one answer", "several": "one or more answers, all or nothing"},
    "zh": {"one": "单选", "several": "多选，全对才得分"},
}
POINTS = {"en": "{points:g} points, {kind}", "zh": "{points:g} 分，{kind}"}


def questions(quiz: Quiz) -> str:
    """The quiz as a student gets it, in Markdown."""
    return "\n\n".join(part for language in LANGUAGES for part in _parts(quiz, language)) + "\n"


def _parts(quiz: Quiz, language: str) -> Iterator[str]:
    yield TITLES[language]
    if language == "en":
        yield "[中文](#选择题)"
    yield HOW[language]
    yield getattr(quiz.notation, language)
    for question in quiz.questions:
        yield from _question(question, language, quiz.partial)


def _question(question: Question, language: str, partial: bool) -> Iterator[str]:
    kind = HALF[language] if partial and question.kind == "several" else KINDS[language][question.kind]
    worth = POINTS[language].format(points=question.points, kind=kind)
    yield f"## {question.question} ({worth})" if language == "en" else f"## {question.question}（{worth}）"
    yield getattr(question.text, language)
    if question.code:
        yield f"```\n{question.code.strip()}\n```"
    yield "\n".join(f"- **{option.letter}** {getattr(option.text, language)}" for option in question.options)
