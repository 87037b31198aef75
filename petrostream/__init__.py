"""PetroStream's domain: reading 3W, batches, profiles, windows, the forest, events and storage."""
