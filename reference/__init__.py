"""What we trust: oracles, central differences and the tolerance. NumPy and torch only, everything in float64.

    weights      the weights of both cells, by the homework's names
    rnn          step I by torch.nn.RNNCell, RNN, Linear and CrossEntropyLoss, through autograd
    gru          step II by the homework's equations in torch, through autograd
    torch_gru    step II by torch.nn.GRUCell, on the families of weights where the two agree
    differences  derivatives of any forward, from its values alone
    twins        the same equations in NumPy, forward and backward by hand, run nine times with moved values
    tolerance    how far apart two right answers may lie, read off the twins

No two oracles share code. `weights`, `differences`, `twins` and `tolerance` load without torch.
"""
