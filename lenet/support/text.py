"""Text that goes to a terminal or into a line of a file."""

from typing import Optional


def printable(text: str, encoding: Optional[str] = 'utf-8') -> str:
    """`text` on one line: escapes for control characters, for a file name's bytes that were no text (\\xff), and for
    what `encoding` has not; None is ASCII."""
    encoding = encoding or 'ascii'
    return ''.join(map(_escape, text)).encode(encoding, 'backslashreplace').decode(encoding)


def _escape(character: str) -> str:
    if '\udc80' <= character <= '\udcff':  # how os.fsdecode carries a byte that is no text
        return '\\x%02x' % (ord(character) - 0xdc00)
    return character if character.isprintable() else character.encode('unicode_escape').decode()
