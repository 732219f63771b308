"""Where a request begins and ends, and which requests are refused before the application sees them.

rules decide (RFC 9110 and 9112), refusals answer and close the connection, protocol applies both to
what the parser of httptools reports. llhttp below it is strict: it refuses bare CR and LF, NUL, folded
lines, spaces around names, several lengths, and chunk sizes that are not plain hexadecimal digits.
"""
