"""A second look at dead letters: what was not understood is read again after a fix, the way all messages go."""
