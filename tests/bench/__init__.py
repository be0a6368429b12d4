"""`make bench`: what the local AWS does, measured beside other AWS doubles in the same run."""
