"""Event source mappings: pollers that read a stream or a queue and call a function with batches.

`operations.py` is the API, `pollers.py` starts and stops what polls, `kinesis.py` and `sqs.py` poll, `batches.py` runs a batch of a stream to its end.
"""
