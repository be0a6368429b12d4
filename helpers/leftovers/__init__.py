"""What of the workshop exists in an account, and how each thing is deleted: `workshop leftovers`, and the proof at the end of chapter 11.

Only things of the workshop are found, by their names or by the tag `workshop`; everything else in the account is never touched.
"""

from helpers.leftovers.delete import delete_all
from helpers.leftovers.find import Item, find

__all__ = ["Item", "delete_all", "find"]
