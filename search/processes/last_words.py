"""What a process printed before it died, as far as that may be why."""

import re

LONGEST = 300  # characters

# What TensorFlow, XLA and JAX write at their start and while they work: information, warnings and errors that
# they go on after. What they die of is marked F.
_NOISE = re.compile(
    r"[IWE]\d{4} \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] |WARNING:|INFO:|"
    r"To enable the following instructions|.*Warning: |"
    # What Python's faulthandler says of a crash is of libraries' insides.
    r'Extension modules: |  File "|Current thread |Thread 0x|\*\*\* '
)
_FATAL = re.compile(r"(?:F\d{4} \S+\s+\d+ |\d{4}-\d\d-\d\d \S+: F )\S+\] ")


def last_words(output: str) -> str:
    """Return the last line that is none of a library's log, or ""; start-up noise is never a reason."""
    lines = [line for line in output.splitlines() if line.strip()]
    # A warning brings the line of code that it is of.
    quoted = {number + 1 for number, line in enumerate(lines) if "Warning: " in line}
    for number in reversed(range(len(lines))):
        if number not in quoted and not _NOISE.match(lines[number]):
            return _FATAL.sub("", lines[number].strip())[:LONGEST]
    return ""
