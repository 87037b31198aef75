"""The next hour of a sensor, where a backtest says that it can be told."""
