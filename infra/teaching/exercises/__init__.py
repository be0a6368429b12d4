"""What is right in each chapter's exercises: one file a chapter, `chapter_NN.py` with EXERCISES and the answers to its questions, CHECK_YOURSELF."""
