"""Triggers and workflows: jobs and crawlers that start each other, on demand, by a schedule or by events."""
