"""The page *Alarms*: every alarm, and what people say of it."""
