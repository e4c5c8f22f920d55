"""The hand-out: what students are given, made from the model solution, so that it cannot drift from what is graded.

    contents    which files of impl/ are handed out whole, and in the others what is given and what is to fill in
    skeleton    a file of impl/ without its solution, by its syntax tree
    blanks      the rules of ???: what of a solution a scaffold shows
    carried     which files of this project go along, so that the runner is the same suite
    leaks       searches a built hand-out for traces of the solution
    program     every file of the hand-out
    pack        .zip and .tar.gz, the same bytes each time
    templates/  the files that only the hand-out has

`python -m handout` writes dist/program.zip and dist/program.tar.gz.
"""
