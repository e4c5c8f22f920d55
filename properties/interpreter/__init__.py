"""Everything that runs where a hand-in runs: NumPy and the standard library alone.

    loader     puts a hand-in's modules in place and takes them out again
    script     runs a script, the few lines of Python that a case makes on the hand-in's objects
    reply      what came back, as plain data
    wire       replies and requests as frames of bytes
    child      the program of the child process: frames in, scripts run, frames out

Nothing else in the project ever touches an object of a hand-in.
"""
