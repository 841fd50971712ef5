"""microcalc: find microcalcifications on mammograms. Research software, not a medical device."""

__version__ = "0.1.0"
