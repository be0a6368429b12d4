"""`python -m infra.kernels.flink.flink_studio -f connection_file`: what the kernelspec runs."""

from .kernel import main

main()
