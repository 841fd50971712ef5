"""The job behind ``microcalc benchmark``: detectors, and proposers of candidates, side by side on one data set."""
