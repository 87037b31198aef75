"""What every command of the command line has in common: options, answers, sentences, exit codes."""
