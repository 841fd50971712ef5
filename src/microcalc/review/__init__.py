"""Looking at patches one by one, the likely mislabelled first, before anything is trained on them."""
