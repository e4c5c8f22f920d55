"""A page as a browser would read it."""

import html.parser
import re

VOID = {"meta", "img", "br", "col", "link", "input"}


class Read(html.parser.HTMLParser):
    """A page as a browser would read it: its elements with their attributes, and its text by element."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self._open = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append((tuple(self._open), data))

    @property
    def text(self):
        return " ".join(" ".join(data for where, data in self.texts if "style" not in where).split())

    def attributes(self, tag, name):
        return [attributes.get(name) for each, attributes in self.elements if each == tag]


def untranslated(text):
    """The words of a text that are not within ⟦ and ⟧, which may be nested."""
    depth, outside = 0, []
    for character in text:
        depth += (character == "⟦") - (character == "⟧")
        outside.append(character if not depth else " ")
    return set(re.findall(r"[A-Za-z]\w+", "".join(outside)))
