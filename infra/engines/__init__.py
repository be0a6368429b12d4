"""Engines that run in processes of their own: where Java and the jars come from, and Spark."""
