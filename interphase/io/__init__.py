"""Files a run leaves behind: exact checkpoints, fields over time, rows of numbers, and exports."""
