"""The helpers of the Kinesis Data Generator's template language: `random.number`, `date.utc`, `name.firstName`, …

They give what KDG's bundled faker gives, its oddities included (https://github.com/awslabs/amazon-kinesis-data-generator);
the words are our own. A helper is a function of the `Faker` (which holds the random numbers and the clock) and of the one
argument that a template can pass; UNDEFINED stands for "no argument". Values are JavaScript's (js_values.py).
"""

from helpers.generator.faker.dates import date_format
from helpers.generator.faker.drawing import Faker, KdgError, number_range
from helpers.generator.faker.picks import array_items, object_items, uuid_text, weighted_sums
from helpers.generator.faker.table import HELPERS

__all__ = [
    "HELPERS",
    "Faker",
    "KdgError",
    "array_items",
    "date_format",
    "number_range",
    "object_items",
    "uuid_text",
    "weighted_sums",
]
