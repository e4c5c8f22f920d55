"""quiz.md: the questions of the quiz and their options, in both languages, without the key and its reasons."""

from collections.abc import Iterator

from grading.quiz import LANGUAGES, Question, Quiz

TITLES = {"en": "# Quiz", "zh": "# 选择题"}
HOW = {
    "en": 'Write your answers into `answers.toml`, a line a question, as `q1 = "A"` or `q2 = "AC"`.',
    "zh": '请把答案写入 `answers.toml`，每题一行，如 `q1 = "A"` 或 `q2 = "AC"`。',
}
KINDS = {
    "en": {"one": "one answer", "several": "one or more answers"},
    "zh": {"one": "单选", "several": "多选"},
}
POINTS = {"en": "{points:g} points, {kind}", "zh": "{points:g} 分，{kind}"}


def questions(quiz: Quiz) -> str:
    """The quiz as a student gets it, in Markdown."""
    return "\n\n".join(part for language in LANGUAGES for part in _parts(quiz, language)) + "\n"


def _parts(quiz: Quiz, language: str) -> Iterator[str]:
    yield TITLES[language]
    yield HOW[language]
    yield getattr(quiz.notation, language)
    for question in quiz.questions:
        yield from _question(question, language)


def _question(question: Question, language: str) -> Iterator[str]:
    worth = POINTS[language].format(points=question.points, kind=KINDS[language][question.kind])
    yield f"## {question.question} ({worth})" if language == "en" else f"## {question.question}（{worth}）"
    yield getattr(question.text, language)
    if question.code:
        yield f"```\n{question.code.strip()}\n```"
    yield "\n".join(f"- **{option.letter}** {getattr(option.text, language)}" for option in question.options)
