"""Messages out: who is told what, in which language, through which channel."""
