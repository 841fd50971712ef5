"""How like real mammograms the phantoms are: the parts of ``benchmarks/realism.py``, in the order of their use.

``specimen`` holds a picture, ``measures`` and ``summary`` describe it; ``matching`` finds the unit that phantoms are
drawn with, ``crude`` draws the control that must be told apart, ``sources`` opens all of them; over ``folds``,
``twosample`` and ``network`` try to tell two sets apart; ``lesions`` and ``rings`` look at specks; ``tables``,
``charts`` and ``page`` show what was found.
"""
