"""The job behind ``models calibrate``: thresholds of a package anchored anew, on a user's own images."""
