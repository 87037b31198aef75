"""How each well is: its status, and what is normal for it."""
