"""The job behind ``microcalc evaluate``: systems read, paired with the truth, scored, compared and reported."""
