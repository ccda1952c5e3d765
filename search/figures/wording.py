"""Numbers and names as a figure shows them: short, and never longer than their place."""

import re

from studyhall.studies.values import Value


def compact(number: float) -> str:
    """Return a number in few letters: 128, 0.0035, 3.857e-4."""
    if number == 0:
        return "0"
    if 1e-3 <= abs(number) < 1e5:
        return f"{number:.0f}" if abs(number) >= 1e4 else f"{number:.4g}"
    mantissa, _, exponent = f"{number:.3e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def shown_value(value: Value) -> str:
    """Return a hyperparameter's value."""
    return str(value) if isinstance(value, bool | str) else compact(value)


def short(text: str, letters: int) -> str:
    """Return a text in one line of at most so many letters: what is too long loses its middle."""
    line = " ".join(text.split())
    line = "".join(letter if letter.isprintable() else "?" for letter in line)
    if len(line) <= letters:
        return line
    front = (letters - 1) * 2 // 3
    return f"{line[:front]}…{line[len(line) - (letters - 1 - front) :]}"


def wrapped(text: str, letters: int, lines: int) -> str:
    """Return a text in at most so many lines of so many letters.

    Names break after underscores and slashes, too.
    """
    for length in range(letters * lines, letters, -2):
        rows = _filled(short(text, length), letters)
        if len(rows) <= lines:
            return "\n".join(rows)
    return short(text, letters)


def _filled(text: str, letters: int) -> list[str]:
    rows = [""]
    for word in re.findall(r"[^\s_/|=]*[\s_/|=]?", text):
        if rows[-1] and len(f"{rows[-1]}{word}".rstrip()) > letters:
            rows.append("")
        pieces = [word[start : start + letters] for start in range(0, len(word), letters)]
        rows[-1] += pieces[0] if pieces else ""
        rows += pieces[1:]
    return [row.rstrip() for row in rows]


def count(number: int, noun: str) -> str:
    """Return "1 trial" or "3 trials"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
