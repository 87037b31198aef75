"""``petrostream <verb>``: one command line over all rooms."""
