"""Numbers that can be compared: named rules for what counts as a hit, and what is counted."""
