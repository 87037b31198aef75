"""The AWS account: who one is there, what is needed, what is left."""
