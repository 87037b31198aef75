"""Terraform as a process, and its errors in plain words."""
