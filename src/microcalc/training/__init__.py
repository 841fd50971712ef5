"""Training: a recipe and a data set with truth in, a model package out."""
