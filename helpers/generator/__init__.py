"""The workshop's data generator: records from a template, sent to a Kinesis data stream or a Firehose stream.

It speaks the template language of the Kinesis Data Generator (KDG; see template.py) and adds what KDG lacks: a seed, event time,
clear errors, and counting and sending again the records that the service did not accept.
"""

from helpers.generator.check import TemplateError
from helpers.generator.clock import Clock
from helpers.generator.faker import HELPERS
from helpers.generator.generator import Generator
from helpers.generator.rates import Constant, Periodic
from helpers.generator.sending import Sent

__all__ = ["HELPERS", "Clock", "Constant", "Generator", "Periodic", "Sent", "TemplateError"]
