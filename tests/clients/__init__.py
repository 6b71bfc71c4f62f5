"""Client libraries of other people, each in an environment of its own, because they do not go together with ours.

``NAME.in`` says what is wanted, ``NAME.lock`` which files exactly (``make lock`` compiles them anew).
"""
