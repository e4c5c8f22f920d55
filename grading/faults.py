"""What is not the hand-in's fault."""


class Usage(Exception):
    """The command was given something that it cannot use: exit status 2."""


class Broken(Exception):
    """We cannot decide: no grade is written, exit status 3."""
