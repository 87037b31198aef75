"""What synthetic wells are made of: normal operation, faults, defects of the data."""
