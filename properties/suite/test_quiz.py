"""The quiz's points: what a quiz file may say, how answers are read, whatever they are, and what they earn."""

import dataclasses
import json
import os
import re
import time
import tomllib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from grading import quiz
from grading.faults import Usage

QUIZ = quiz.load()
RIGHT = {question.question: "".join(sorted(question.key)) for question in QUIZ.questions}
SOON = 5  # seconds; the slowest file that is allowed takes a tenth of one


def answers(**given):
    return quiz.read_answers("".join(f'{name} = "{letters}"\n' for name, letters in given.items()))


def points(scores):
    return {score.question: score.points for score in scores}


def outcomes(scores):
    return {score.question: score.outcome for score in scores}


def says(text, en, zh):
    """Both languages say it, each in its own."""
    return en in text.en and zh in text.zh


# The file


def test_the_quiz_has_ten_points():
    """Five questions of two points each; the first and the fourth have one answer, the others several."""
    assert {question.question: question.points for question in QUIZ.questions} == dict.fromkeys(RIGHT, 2)
    assert [question.kind for question in QUIZ.questions] == ["one", "several", "several", "one", "several"]
    assert not QUIZ.partial


def test_every_text_is_in_its_language():
    """Chinese texts have Chinese signs unless they are formulas alone, and English ones have none."""
    chinese = re.compile("[\u4e00-\u9fff]")
    texts = [QUIZ.notation]
    for question in QUIZ.questions:
        texts += [question.text, *(text for option in question.options for text in (option.text, option.why))]

    for text in texts:
        assert not chinese.search(text.en)
        assert chinese.search(text.zh) or text.zh == text.en == f"`{text.en[1:-1]}`"


GOOD = """
notation = {en = "n", zh = "n"}
[[question]]
id = "q1"
points = 1
kind = "several"
key = "B"
en = "?"
zh = "？"
[[question.option]]
id = "A"
en = "a"
zh = "a"
why = {en = "w", zh = "w"}
[[question.option]]
id = "B"
en = "b"
zh = "b"
why = {en = "w", zh = "w"}
"""


def load(tmp_path, text):
    file = tmp_path / "quiz.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return quiz.load(file)


def test_another_quiz_may_be_used(tmp_path):
    """An instructor's own file has its own questions, points and key; partial may be left out."""
    (question,) = load(tmp_path, GOOD).questions

    assert (question.question, question.points, question.key, question.code) == ("q1", 1, {"B"}, "")
    assert load(tmp_path, "partial = true\n" + GOOD).partial


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('key = "B"', 'key = "C"', "q1's key is 'C', but should be some of its options AB, each once"),
        ('key = "B"', 'key = "BB"', "q1's key is 'BB'"),
        ('key = "B"', 'key = "b"', "q1's key is 'b'"),
        ('key = "B"', 'key = ""', "q1's key is ''"),
        ('key = "B"', 'key = ["B"]', r"q1's key is \['B'\]"),
        ('key = "B"\n', "", "q1 has no 'key'"),
        (
            'kind = "several"\nkey = "B"',
            'kind = "one"\nkey = "AB"',
            "q1's key is 'AB', but the question has one answer",
        ),
        ('kind = "several"', 'kind = "many"', "q1 is of kind 'many', but the kinds are one, several"),
        ("points = 1", "points = -1", "q1 is worth -1 points, but 0 to 1000 are possible"),
        ("points = 1", "points = nan", "nan points"),
        ("points = 1", "points = true", "True points"),
        ("points = 1", 'points = "2"', "'2' points"),
        ("points = 1", "points = 1\npoint = 2", "q1 has 'point', but may have id, points, kind"),
        ("points = 1", "points = 1\ncode = 3", "q1's code is 3, but should be a text"),
        ('id = "q1"', 'id = "Q 1"', "a question's id is 'Q 1'"),
        ('id = "q1"\n', "", "a question's id is None"),
        ('id = "B"', 'id = "C"', "q1's options are 'AC', but should be two or more, from A on"),
        ('id = "B"', 'id = "BB"', "q1 has an option 'BB'"),
        ('en = "a"\n', "", "q1's option A has no 'en'"),
        ('en = "a"', 'en = " "', "q1's option A has en = ' ', but should have a text there"),
        (
            'why = {en = "w", zh = "w"}',
            'why = {en = "w"}',
            "q1's option A, why is {'en': 'w'}, but should be a table of en",
        ),
        ("notation =", "partial = 1\nnotation =", "partial is 1, but should be true or false"),
        ("notation", "[notation", "is not TOML"),
    ],
)
def test_a_quiz_that_does_not_fit_is_a_usage_error(tmp_path, old, new, said):
    """Each mistake in a quiz file is told with its place, what stands there and what may."""
    assert old in GOOD

    with pytest.raises(Usage, match=f"the quiz .*quiz.toml.*{said}"):
        load(tmp_path, GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it has no 'notation'"),
        ('notation = "n"\nquestion = []', "question is [], but should be one or more tables"),
        ('notation = "n"\nquestion = "q1"', "question is 'q1', but should be one or more tables"),
        ('notation = "n"\nquestion = [1]', "question is [1], but should be one or more tables"),
        (GOOD.replace('{en = "n", zh = "n"}', '"n"'), "notation is 'n', but should be a table of en and zh"),
        (b"\xff\xfe", "is not TOML"),
        ("a = " + "[" * 5_000, "is not TOML"),
    ],
)
def test_a_quiz_of_another_shape_is_a_usage_error(tmp_path, text, said):
    """What is no quiz at all is told, too."""
    with pytest.raises(Usage, match=re.escape(said)):
        load(tmp_path, text)


def test_questions_have_different_names(tmp_path):
    """Two questions of one name are a mistake."""
    question = GOOD[GOOD.index("[[question]]") :]

    with pytest.raises(Usage, match="two questions are called 'q1'"):
        load(tmp_path, GOOD + question)


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_quiz_that_cannot_be_read_is_a_usage_error(tmp_path, name):
    """A file that is not there, and a folder, are told by their path."""
    with pytest.raises(Usage, match="cannot be read"):
        quiz.load(tmp_path / name)


# Answers


@pytest.mark.parametrize(
    "value",
    [
        *('"AD"', '"DA"', '"da"', "'AD'", '"ADA"', '"A, D"', '" a d "', '"A、D"', '"Ａ，Ｄ"', '"ＡＤ"', '"ａ；ｄ"'),
        *('["A", "D"]', '["d", "a"]', '["AD"]', '["Ａ", "d,"]'),
    ],
)
def test_letters_are_understood_however_they_are_written(value):
    """Order, case, commas, spaces, full-width signs and lists make no difference."""
    assert quiz.read_answers(f"q2 = {value}").letters == {"q2": {"A", "D"}}


@given(
    st.permutations("ACDE").flatmap(lambda letters: st.tuples(*[st.sampled_from([x, x.lower()]) for x in letters])),
    st.lists(st.sampled_from(["", " ", ",", ", ", "、", "，", "\u3000", ";"]), min_size=5, max_size=5),
)
def test_nothing_between_letters_changes_an_answer(letters, between):
    """Any order, case and separators give the set of the letters."""
    written = "".join(x + y for x, y in zip(between, [*letters, ""], strict=True))

    assert quiz.score(QUIZ, answers(q5=written))[4].points == 2


@pytest.mark.parametrize("name", ["Q1", '"q1"', '"ｑ１"', "'Q1 '"])
def test_questions_are_understood_however_they_are_written(name):
    """Case and full-width signs of a question's name make no difference."""
    assert quiz.read_answers(f'{name} = "D"').letters == {"q1": {"D"}}


@pytest.mark.parametrize("prefix", ["", "\ufeff", "# 我的答案\r\n", "\r\n\r\n"])
def test_editors_may_differ(prefix):
    """A byte-order mark, comments and line ends of Windows are no mistake."""
    read = quiz.read_answers((prefix + 'q1 = "D"\r\nq4 = "D"\r\n').encode())

    assert read == ({"q1": {"D"}, "q4": {"D"}}, {}, None)


@pytest.mark.parametrize("value", ["1", "true", "1.5", "2024-01-01", '{A = "D"}', "[1]", '[["A"]]', '["A", 1]', "nan"])
def test_a_value_that_is_no_text_costs_its_question(value):
    """A number, date, table or list of something else is told, and the other questions keep their points."""
    scores = quiz.score(QUIZ, quiz.read_answers(f'q1 = {value}\nq4 = "D"'))

    assert says(scores[0].message, 'should be letters in quotes, as "A"', "应为引号中的字母")
    assert points(scores) == dict.fromkeys(RIGHT, 0) | {"q4": 2}
    assert outcomes(scores)["q1"] == "failed"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("F", "'F'"),
        ("AF", "'F'"),
        ("1", "'1'"),
        ("A.", "'.'"),
        ("Α", "'Α'"),  # a Greek letter
        ("\\u001B[31m", r"'\x1b', '1', '3', …"),
        ("\\u202E", r"'\u202e'"),
        ("对", "'对'"),
        ("BCDEFGHIJKL", "'E', 'F', 'G', …"),
    ],
)
def test_an_unknown_option_costs_its_question(value, shown):
    """What is no option is named, in signs that print; the other questions keep their points."""
    scores = quiz.score(QUIZ, answers(q1="D", q2=value))

    assert says(
        scores[1].message, f"no option is called {shown}; there are A, B, C, D", f"没有选项 {shown}；选项为 A, B"
    )
    assert (scores[1].points, scores[1].outcome, scores[1].given) == (0, "failed", "")
    assert scores[0].points == 2
    assert all(text.isprintable() for text in scores[1].message)


def test_an_unknown_question_costs_nothing():
    """Names that are no questions are told once, beside the points of the others."""
    section = quiz.section(QUIZ, answers(**RIGHT, q6="A", name="B"))

    assert section["points"] == 10
    assert section["message"] == "no question is called 'name', 'q6'; there are q1, q2, q3, q4, q5"
    assert section["zh"]["message"] == "没有题目 'name', 'q6'；题目为 q1, q2, q3, q4, q5"


def test_a_long_name_is_cut():
    """Of a name that a student chose at most forty characters are told."""
    section = quiz.section(QUIZ, quiz.read_answers(f'{"x" * 400} = "A"'))

    assert len(section["message"]) < 120


def test_a_question_answered_twice_costs_itself():
    """Two spellings of one question contradict each other; there is no choosing between them."""
    for text in ('q1 = "D"\nQ1 = "D"', 'q1 = "A"\nQ1 = "D"\n"ｑ1" = "D"', 'q1 = 1\nQ1 = "D"'):
        read = quiz.read_answers(text + '\nq4 = "D"')
        scores = quiz.score(QUIZ, read)

        assert set(read.letters) == {"q4"}
        assert says(scores[0].message, "answered twice", "作答了两次")
        assert points(scores) == dict.fromkeys(RIGHT, 0) | {"q4": 2}


NESTED = 20_000
BROKEN = {
    "no quotes": ("q1 = D", "not TOML (line 1, column 6)", "（第 1 行，第 6 列）"),
    "curly quotes": ('q1 = "D"\nq2 = “AD”', "not TOML (line 2, column 6)", "引号用英文半角"),
    "no equals sign": ("q1 D", "not TOML", "不是有效的 TOML"),
    "a key twice": ('q1 = "A"\nq1 = "D"', "not TOML", "不是有效的 TOML"),
    "not closed": ('q1 = "D', "not TOML", "不是有效的 TOML"),
    "a control sign": ('q1 = "\x1b[31m"', "not TOML", "不是有效的 TOML"),
    "a zero byte": (b'q1 = "D"\x00', "not TOML", "不是有效的 TOML"),
    "a large number": ("q1 = " + "9" * 490, "should be letters", ""),
    "a date that is none": ("q1 = 2024-13-45", "not TOML", "不是有效的 TOML"),
    "UTF-16": ('q1 = "D"'.encode("utf-16"), "not in UTF-8", "不是 UTF-8 编码"),
    "GBK": ("# 答案".encode("gbk"), "not in UTF-8", "不是 UTF-8 编码"),
    "a lone surrogate": ('q1 = "\ud800"', "not in UTF-8", "不是 UTF-8 编码"),
    "too large": ("#\n" * 40_000, "larger than 65,536 bytes", "超过 65,536 字节"),
    "a long line": ("\nq1 = " + "9" * 10_000, "line 2 of answers.toml is longer than 500", "第 2 行超过 500"),
    "nested in lines": ("q1 = " + "[\n" * NESTED, "nested too deeply", "嵌套过深"),
    "nested in a line": ("q1 = " + "[" * NESTED, "longer than 500", "超过 500"),
}


@pytest.mark.parametrize(("content", "en", "zh"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_costs_all(content, en, zh):
    """A file that cannot be understood is told in a sentence, with the place where there is one, and earns nothing."""
    read = quiz.read_answers(content)
    section = quiz.section(QUIZ, read)

    assert section["points"] == 0
    assert en in section["message"] + section["questions"][0]["message"]
    assert zh in section["zh"]["message"]
    assert section["message"].isprintable()
    assert {question["outcome"] for question in section["questions"][1:]} == {"not_run"}


def test_a_number_beyond_pythons_own_limit_is_told(monkeypatch):
    """A number of more digits than int() takes is a broken file, should the limit for a line ever be larger."""
    monkeypatch.setattr(quiz, "LONGEST", 10_000)

    assert says(quiz.read_answers("q1 = " + "9" * 5_000).message, "not TOML", "不是有效的 TOML")


HOSTILE = {
    "dots in a line": ".".join("a" * 32_000) + " = 1",
    "dots in lines": "\n".join(f"a{'.a' * 240}{i} = 1" for i in range(130)),
    "tables": "\n".join(f"[a{'.a' * 240}{i}]" for i in range(130)),
    "arrays of tables": "[[a]]\n" * 10_000,
    "many keys": "\n".join(f"k{i}=1" for i in range(7_000)),
    "many values": "q1 = [\n" + '"A",\n' * 12_000 + "]",
    "escapes": 'q1 = """' + "\\\n" * 30_000 + '"""',
    "signs that grow": 'q1 = """' + "\ufdfa\n" * 16_000 + '"""',
    "a large number": "q1 = 0x" + "f" * 490,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_no_file_takes_long(content):
    """Files made to be slow are read soon, and what is said of them is short."""
    start = time.process_time()
    section = quiz.section(QUIZ, quiz.read_answers(content))

    assert time.process_time() - start < SOON
    assert len(json.dumps(section)) < 10_000


@given(st.binary() | st.text() | st.text(alphabet='q12=\n"AD,[]{}.# \\'))
def test_nothing_that_is_read_raises(content):
    """Whatever an answers.toml holds, it has a section that JSON can hold."""
    json.dumps(quiz.section(QUIZ, quiz.read_answers(content)), allow_nan=False)


def test_the_answers_are_at_the_root(tmp_path):
    """The file of a hand-in is the one at its root."""
    (tmp_path / "answers.toml").write_text('q1 = "D"', encoding="utf-8")

    assert quiz.answers_of(tmp_path).letters == {"q1": {"D"}}


def test_absent_answers_are_said_so(tmp_path):
    """Without the file no question is answered, and the section says that it is not there."""
    section = quiz.section(QUIZ, quiz.answers_of(tmp_path))

    assert (section["points"], section["max_points"]) == (0, 10)
    assert section["message"] == "there is no answers.toml, so the quiz earns nothing"
    assert section["zh"]["message"] == "没有找到 answers.toml，选择题不得分"
    assert {question["outcome"] for question in section["questions"]} == {"not_run"}


def a_folder(file):
    file.mkdir()


def a_link(file):
    (file.parent / "elsewhere").write_text('q1 = "D"', encoding="utf-8")
    file.symlink_to("elsewhere")


def a_link_to_nothing(file):
    file.symlink_to("nothing")


def a_link_to_itself(file):
    file.symlink_to(file.name)


def a_pipe(file):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(file)


@pytest.mark.parametrize("make", [a_folder, a_link, a_link_to_nothing, a_link_to_itself, a_pipe])
def test_only_an_ordinary_file_is_read(tmp_path, make):
    """A folder, a link and a pipe are told and not opened."""
    try:
        make(tmp_path / "answers.toml")
    except OSError as error:  # on Windows links need a right
        pytest.skip(f"cannot be made here: {error}")

    read = quiz.answers_of(tmp_path)

    assert says(read.message, "is not an ordinary file", "不是普通文件")
    assert read.letters == {}


def test_a_file_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    """A file without the right to read it costs the quiz, not the run."""
    (tmp_path / "answers.toml").write_text('q1 = "D"', encoding="utf-8")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)

    assert says(quiz.answers_of(tmp_path).message, "cannot be read: Permission denied", "无法读取")


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system cannot refuse links while it opens")
def test_a_link_that_was_put_there_since_is_not_followed(tmp_path, monkeypatch):
    """A file that becomes a link between being looked at and being opened is not read."""
    a_link(tmp_path / "answers.toml")
    monkeypatch.setattr(os, "lstat", os.stat)

    assert says(quiz.answers_of(tmp_path).message, "cannot be read", "无法读取")


def test_no_more_than_the_limit_is_read(tmp_path, monkeypatch):
    """Of a large file no more is read than shows that it is too large."""
    read = []
    monkeypatch.setattr(quiz, "read_answers", read.append)
    with open(tmp_path / "answers.toml", "wb") as file:
        file.truncate(10 * quiz.LARGEST)

    quiz.answers_of(tmp_path)

    assert [len(content) for content in read] == [quiz.LARGEST + 1]


# Points


def test_right_answers_earn_all():
    """The key itself earns ten points."""
    section = quiz.section(QUIZ, answers(**RIGHT))

    assert section["points"] == section["max_points"] == 10
    assert section["message"] == ""
    assert [question["outcome"] for question in section["questions"]] == ["passed"] * 5
    assert [question["given"] for question in section["questions"]] == ["D", "AD", "ABD", "D", "ACDE"]


@pytest.mark.parametrize(
    ("given", "whole", "partly"),
    [
        ("AD", 2, 2),
        ("A", 0, 1),
        ("D", 0, 1),
        ("AB", 0, 0),
        ("ABD", 0, 0),
        ("ABCD", 0, 0),
        ("B", 0, 0),
        ("BC", 0, 0),
        ("", 0, 0),
        (" , ", 0, 0),
        ("AF", 0, 0),
    ],
)
def test_several_answers_pay_all_or_nothing_or_half(given, whole, partly):
    """All or nothing; with partial, half where nothing wrong is ticked and something right is."""
    read = answers(q2=given)

    assert points(quiz.score(QUIZ, read))["q2"] == whole
    assert points(quiz.score(QUIZ, read, partial=True))["q2"] == partly
    assert points(quiz.score(dataclasses.replace(QUIZ, partial=True), read))["q2"] == partly
    assert points(quiz.score(dataclasses.replace(QUIZ, partial=True), read, partial=False))["q2"] == whole


@pytest.mark.parametrize(("given", "paid", "said"), [("D", 2, "D is right"), ("A", 0, "A is not right"),
                                                     ("AD", 0, "one answer is asked for, not AD")])  # fmt: skip
@pytest.mark.parametrize("partial", [False, True])
def test_one_answer_pays_alone(given, paid, said, partial):
    """Where one answer is asked for, two earn nothing, with partial too."""
    score = quiz.score(QUIZ, answers(q1=given), partial)[0]

    assert (score.points, score.message.en, score.given) == (paid, said, given)


def test_a_blank_answer_earns_nothing():
    """No answer is not a wrong one: it was not run."""
    for read in (answers(), answers(q3=""), quiz.read_answers("q3 = []")):
        score = quiz.score(QUIZ, read)[2]
        assert (score.points, score.outcome) == (0, "not_run")
        assert says(score.message, "no answer", "未作答")


@given(st.dictionaries(st.sampled_from(sorted(RIGHT)), st.text("ABCDE", max_size=5)), st.booleans())
def test_points_are_between_nothing_and_all(given, partial):
    """No answers earn less than nothing or more than their question has."""
    for score in quiz.score(QUIZ, answers(**given), partial):
        assert score.points in (0, score.max_points / 2, score.max_points)
        assert (score.outcome == "passed") == (score.points == score.max_points)


# The report


def test_a_section_is_plain_json():
    """A section can be written and read without loss, and points are as short as they can be."""
    section = quiz.section(QUIZ, answers(q1="D", q2="A"), partial=True, reveal=True)

    assert json.loads(json.dumps(section, allow_nan=False)) == section
    assert (section["points"], json.dumps(section["questions"][0]["points"])) == (3, "2")
    assert set(section) == {"points", "max_points", "message", "questions", "zh"}


KEYS = st.sets(st.sampled_from("ABCD"), min_size=1).map(frozenset)


@given(KEYS, KEYS, st.text("ABCD", max_size=4), st.booleans())
def test_a_report_tells_no_more_of_the_key_than_its_points(key, other, given, partial):
    """Under any two keys by which the same answer earns the same points, the report is the same."""
    first, second = (dataclasses.replace(QUIZ.questions[1], key=each) for each in (key, other))
    one, two = (
        quiz.section(dataclasses.replace(QUIZ, questions=(question,)), answers(q2=given), partial)
        for question in (first, second)
    )
    assume(one["points"] == two["points"])

    assert one == two


def test_explanations_are_told_if_asked_for():
    """With reveal the key is told, and why each misjudged option is true or false, in both languages."""
    question = quiz.section(QUIZ, answers(q2="AB"), reveal=True)["questions"][1]
    b, d = (QUIZ.questions[1].options[place].why for place in (1, 3))

    assert question["key"] == "AD"
    assert question["explanation"] == f"B is false: {b.en}\nD is true: {d.en}"
    assert question["zh"]["explanation"] == f"B 错误：{b.zh}\nD 正确：{d.zh}"
    assert quiz.section(QUIZ, answers(**RIGHT), reveal=True)["questions"][1]["explanation"] == ""


def test_nothing_is_revealed_by_default():
    """Neither the key nor an explanation is in the report of somebody who asks for none."""
    text = json.dumps(quiz.section(QUIZ, answers(q2="AB", q3="A")), ensure_ascii=False)

    assert "key" not in text
    assert "explanation" not in text
    assert not any(option.why.en in text or option.why.zh in text for q in QUIZ.questions for option in q.options)


def test_the_file_is_the_default():
    """Quiz and key are those of fixtures/quiz.toml."""
    content = tomllib.loads(quiz.DEFAULT.read_text(encoding="utf-8"))

    assert {question["id"]: question["key"] for question in content["question"]} == RIGHT
