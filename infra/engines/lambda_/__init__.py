"""Execution environments of Lambda functions: processes of AWS's own runtime client against a Runtime API on loopback.

`launcher.py` is a process that forks environments and ends them with the server; `environment.py` is the server's side of one of them.
"""
