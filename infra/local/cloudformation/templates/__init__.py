"""Templates: reading, checking, parameters, and what their functions give."""
