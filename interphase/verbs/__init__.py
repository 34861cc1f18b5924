"""What the verbs of the command line do, where it is more than a screen; nothing here prints."""
