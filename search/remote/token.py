"""The token that a server asks for: from the environment or a file, never from the command line."""

import os
import re
from pathlib import Path

from studyhall.search.remote.address import StudyAddress
from studyhall.studies.errors import BundleRequestError
from studyhall.studies.files import explain

VARIABLE = "STUDYHALL_TOKEN"


def token_for(address: StudyAddress, file: Path | None, *, insecure: bool) -> str | None:
    """Return the token to show to a server, or None where there is none.

    Args:
        address: The server; a token is not sent over a connection that others can read, unless `insecure`.
        file: What holds the token, or None for the environment's.
        insecure: Send it all the same.

    Raises:
        BundleError: The file cannot be read, what it or the environment holds is no token, or others could
            read it.
    """
    token = os.environ.get(VARIABLE) if file is None else _read(file)
    if not token:
        return None
    if re.fullmatch(r"[!-~]{1,4096}", token) is None:  # what a header can hold
        where = VARIABLE if file is None else f"the file {str(file)!r}"
        raise BundleRequestError(
            f"What {where} holds is not a token: it must be one word of ASCII characters."
        )
    if not address.is_private and not insecure:
        raise BundleRequestError(
            f"{address.server} is not encrypted, so everybody on the way could read the token. Use https, or a tunnel "
            "(ssh -L 8080:localhost:8080 HOST, then http://localhost:8080), or say --insecure on a network you trust."
        )
    return token


def _read(file: Path) -> str:
    what = f"The file {str(file)!r}, which should hold a token,"
    try:
        with open(file, encoding="utf-8") as opened:
            words = opened.read(65_536).split()
    except OSError as error:
        raise BundleRequestError(f"{what} cannot be read: {explain(error)}") from error
    except ValueError:
        raise BundleRequestError(f"{what} is not text. Name another one.") from None
    if len(words) != 1:
        raise BundleRequestError(f"{what} must hold the token and nothing else.")
    return words[0]
