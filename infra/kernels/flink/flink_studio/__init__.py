"""The kernel `Flink (Studio)`: Zeppelin's Flink paragraphs in Jupyter, as in Managed Service for Apache Flink Studio."""
