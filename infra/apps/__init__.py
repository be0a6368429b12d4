"""Code that learners deploy into AWS: each file is a whole Lambda function. Nothing here knows which cloud it runs on."""
