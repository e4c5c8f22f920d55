"""The quiz's key, proved: every option of fixtures/quiz.toml is a claim that is computed.

formulas   a formula as it stands in the quiz, read and evaluated
networks   the forward passes that the formulas are about, and their derivatives
programs   the PyTorch programs of questions 1 and 2, run as they stand
claims     a claim for every option, its truth on drawn cases, and the smallest counterexample
"""
