"""How Jupyter finds the workshop's kernels: kernelspecs in the project's own environment."""
