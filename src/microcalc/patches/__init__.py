"""The papers' patch protocols: where patches are taken, how they are labelled, and a store that trains fast."""
