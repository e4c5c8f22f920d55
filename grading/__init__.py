"""From a hand-in to a grade: python -m grading grade PATH..."""
