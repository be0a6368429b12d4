"""What is right in each chapter's exercises: one file a chapter, `chapter_NN.py` with a list EXERCISES and the answers to its questions, QUESTIONS."""
