"""Athena's API: requests and answers, workgroups, the record of each execution."""
