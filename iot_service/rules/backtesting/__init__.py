"""What rules would have found: a rule run over telemetry of the past, two versions compared, and a picture of it.

The very fold that judges live devices does the judging, so a need that is found here is one that would have opened.
"""
