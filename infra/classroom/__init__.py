"""A class on one machine: JupyterHub before one local AWS, an account and a log-in for each learner, and a board of what is solved."""
