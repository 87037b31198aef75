"""The published 3W dataset at GitHub: which release is where, what it has, how it gets here."""
