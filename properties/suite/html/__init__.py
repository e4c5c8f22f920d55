"""For the tests of the pages of HTML: reports to make them of, and a reader of what was made."""
