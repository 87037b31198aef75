"""Brings the platform up and down: on an AWS account, or on the embedded AWS of this machine."""
