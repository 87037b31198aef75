"""What every page stands in: settings, the visitor's session, readers, advice on faults."""
