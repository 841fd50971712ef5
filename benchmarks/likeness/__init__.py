"""How like real mammograms the phantoms are: the parts of ``benchmarks/realism.py``, in the order of their use.

``specimen`` opens pictures, ``crude`` makes the control that must be told apart, ``measures`` and ``summary`` describe
a picture; over ``folds``, ``twosample`` and ``network`` try to tell two sets apart; ``lesions`` and ``rings`` look at
specks; ``tables``, ``charts`` and ``page`` show what was found.
"""
