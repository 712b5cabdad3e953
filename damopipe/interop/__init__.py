"""Other people's files: recordings come in as records, runs go out as files that others read.

Formats are found from bytes, never from names. What a file does not tell stays NULL.
"""
