"""One file per act of the coupled step; each opens with its equation, unknowns, givens and signs."""
