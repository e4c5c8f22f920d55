"""Training, for real: a hand-in's two networks learn a small task each, step for step as PyTorch's do.

    python -m training phonemes      [--hand-in PATH] [--epochs N] [--seed N] [--plot FILE]
    python -m training characters    likewise

    phonemes     which of six diphthongs a sequence of noisy frames was: RNN_Phoneme_Classifier
    characters   the next character of a short poem: CharacterPredictor and its GRU_Cell
    task         what the two have in common
    hand_in      the hand-in's code, run in this very process; what goes wrong in it, in a sentence
    sgd          plain stochastic gradient descent on whatever gives a loss and gradients
    in_torch     the same two networks in PyTorch, trained by torch.optim.SGD
    drift        how far rounding may carry two right runs apart, read off perturbed twins
    comparison   the two loss curves, step by step
    command_line what it takes, prints and returns
    show         progress, the curve in the terminal, the picture

A hand-in runs here without a sandbox: this is for one's own code. Strangers' code is for `python -m grading`, which
also says where a bug is; here it only shows that there is one.
"""
