"""The transcript: what came back from a script, as the properties read it."""

from collections.abc import Mapping

import numpy as np

from properties.interpreter.reply import Fault, Reply, Value
from properties.outcomes import Crashed, NotThere, Unmet, Wrong

OUTCOME_OF_FAULT: Mapping[str, type[Unmet]] = {
    "missing": NotThere,
    "unwritten": NotThere,
    "unparsed": Crashed,
    "raised": Crashed,
}


class Transcript:
    """The results of a script by name: `seen.h_t`, or `seen["h_t"]`, is a NumPy array.

    Reading a result that is not there raises why it is not: NotThere or Crashed; one that is no array raises Wrong.
    """

    def __init__(self, reply: Reply, seconds: float = 0.0, met: set[str] | None = None) -> None:
        self.seconds = seconds
        self.met: set[str] = set() if met is None else met
        """The properties that were found to hold for this very reply, which others may have given too."""
        self.values = reply.values
        self.returned = reply.returned
        self.changed = reply.changed
        self.shared = reply.shared
        self.warned = reply.warned
        self.printed = reply.printed

    def beginning(self, names: Mapping[str, str]) -> "Transcript | None":
        """The transcript of a script that this one's begins with, of which each result has another name here.

        The script must not have changed an argument. None where a result is not here.
        """
        found = {name: self.values.get(here) or self.returned.get(here) for name, here in names.items()}
        values = {name: value for name, value in found.items() if isinstance(value, Value) or name == names[name]}
        if len(values) < len(names) or None in values.values():
            return None
        there = {here: name for name, here in names.items()}
        shared = tuple((there[a], there[b]) for a, b in self.shared if a in there and b in there)
        return Transcript(Reply(values, (), shared, self.warned, self.printed), self.seconds, self.met)  # type: ignore[arg-type]  # None is gone

    def __getitem__(self, name: str) -> np.ndarray:
        value = self.value(name)
        if value.array is None:
            result = "None" if value.type == "NoneType" else f"of type {value.type}"
            raise Wrong(f"{name} is {result}, but should be a NumPy array", what=name)
        return value.array

    def __getattr__(self, name: str) -> np.ndarray:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def value(self, name: str) -> Value:
        """The result and its type, which may be no array."""
        value = self.values.get(name)
        if isinstance(value, Value):
            return value
        if isinstance(value, Fault):
            place = f" ({value.where})" if value.where and value.where not in value.text else ""
            raise OUTCOME_OF_FAULT[value.kind](value.text + place, what=name, fault=value.kind)
        raise KeyError(f"the script has no line that gives {name}")


class Lost:
    """The transcript of a script whose process did not answer: reading anything raises what happened."""

    def __init__(self, unmet: Unmet) -> None:
        self.unmet = unmet
        self.printed = ""
        self.seconds = 0.0
        self.met: set[str] = set()

    def __getattr__(self, name: str) -> np.ndarray:
        if name.startswith("__"):
            raise AttributeError(name)
        raise type(self.unmet)(str(self.unmet), lost=True)

    __getitem__ = __getattr__
