"""The relay, which runs near Marathon: it reads the event stream and posts to the listener.

It imports nothing else of the project, so that it can be shipped alone.
"""

VERSION = "2.0.0"
