"""Genome packages from the NCBI Datasets v2 REST interface, over a network that fails now and then.

https://www.ncbi.nlm.nih.gov/datasets/docs/v2/api/rest-api/. An accession that the interface does not know
gives a broken zip and status 200 (https://github.com/ncbi/datasets/issues/492), so its report is asked for
first.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from genescribe import __version__
from genescribe.errors import InputError
from genescribe.genomes.accessions import is_assembly
from genescribe.genomes.package import DamagedError, verify_package
from genescribe.progress import progress

API = "https://api.ncbi.nlm.nih.gov/datasets/v2"
KEY_VARIABLE = "NCBI_API_KEY"
ATTEMPTS = 8
PAUSE = 0.5
"""Seconds between two requests of one process; NCBI allows 5 a second without a key."""
LONGEST_WAIT = 600.0
"""Seconds; a server that asks for more is left alone."""

log = logging.getLogger(__name__)
Result = TypeVar("Result")
_backoff = wait_exponential(multiplier=1, max=60)


class BusyError(Exception):
    """The server cannot serve now. `wait` is the seconds it asks for, or None."""

    def __init__(self, message: str, wait: float | None) -> None:
        super().__init__(message)
        self.wait = wait


class Datasets:
    """NCBI Datasets, or a server that speaks its language.

    Args:
        api: base address.
        key: NCBI API key; sent to the base address's host alone.
        sleep: waits so many seconds; another one for tests.
        attempts: how often a request is tried.
    """

    def __init__(
        self,
        api: str = API,
        key: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
    ) -> None:
        if not api.startswith(("http://", "https://")):
            raise InputError(f"the base address {api!r} does not begin with https://")
        self.api = api.rstrip("/")
        self._sleep = sleep
        self._attempts = attempts
        self._headers = {"User-Agent": f"genescribe/{__version__}", "Accept-Encoding": "identity"}
        if key:
            self._headers["api-key"] = key

    def download(self, accession: str, annotation: bool, target: Path) -> None:
        """Download the package of one assembly and verify it; what was damaged on the way is sent for again.

        Args:
            accession: of the assembly, with version.
            annotation: whether to ask for the GFF3 beside the sequence.
            target: the zip to write.

        Raises:
            InputError: the accession is unknown, the server refuses, or it cannot be reached for long.
        """
        if not is_assembly(accession):
            raise InputError(
                f"{accession} is a sequence; NCBI Datasets has assemblies, such as GCF_000005845.2"
            )
        address = f"{self.api}/genome/accession/{accession}"
        kinds = ["GENOME_FASTA", *(["GENOME_GFF"] if annotation else [])]
        home = httpx.URL(address).host

        def keep_key_at_home(request: httpx.Request) -> None:
            if request.url.host != home:
                request.headers.pop("api-key", None)

        with httpx.Client(
            headers=self._headers,
            timeout=httpx.Timeout(60.0, connect=20.0),
            follow_redirects=True,
            event_hooks={"request": [keep_key_at_home]},
        ) as client:
            self._retry(lambda: _check_known(client, f"{address}/dataset_report", accession))
            self._sleep(PAUSE)
            url = httpx.URL(f"{address}/download", params={"include_annotation_type": kinds})
            transfer = _Transfer(client, url, accession, target)
            self._retry(transfer.attempt)

    def _retry(self, attempt: Callable[[], Result]) -> Result:
        retrying = Retrying(
            stop=stop_after_attempt(self._attempts),
            wait=_seconds_to_wait,
            retry=retry_if_exception_type((BusyError, DamagedError, httpx.TransportError)),
            before_sleep=_tell,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except (BusyError, DamagedError, httpx.HTTPError) as error:
            raise InputError(
                f"{self.api}: gave up after {retrying.statistics['attempt_number']} attempts: "
                f"{_text(error)}; try again later, or name a local mirror"
            ) from error


class _Transfer:
    """One file that arrives in as many pieces as it takes.

    A piece is appended only where the server says by a strong validator that it is of the same file
    (RFC 9110, sections 13.1.5 and 14.2); else the file begins anew.
    """

    def __init__(self, client: httpx.Client, url: httpx.URL, accession: str, target: Path) -> None:
        self._client = client
        self._url = url
        self._accession = accession
        self._target = target
        self._validator: str | None = None

    def attempt(self) -> None:
        """Transfer what is missing, then verify the whole."""
        here = self._target.stat().st_size if self._validator and self._target.exists() else 0
        headers = {"Range": f"bytes={here}-", "If-Range": self._validator or ""} if here else {}
        with self._client.stream("GET", self._url, headers=headers) as response:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                self._forget()
                raise DamagedError("the server cannot go on where the transfer broke off")
            _check_status(response, self._accession)
            if not _continues_at(response, here):
                here = 0
            self._validator = _strong_validator(response)
            self._receive(response, here)
        try:
            verify_package(self._target)
        except DamagedError:
            self._forget()
            raise

    def _receive(self, response: httpx.Response, here: int) -> None:
        length = int(response.headers.get("content-length", -here))
        with (
            progress(f"Download {self._accession}", here + length, "bytes") as bar,
            self._target.open("ab" if here else "wb") as file,
        ):
            bar.advance(here)
            # No size of chunks: httpx would collect them, and lose what it holds when the connection is cut.
            for chunk in response.iter_bytes():
                file.write(chunk)
                bar.advance(len(chunk))

    def _forget(self) -> None:
        self._target.unlink(missing_ok=True)
        self._validator = None


def _continues_at(response: httpx.Response, here: int) -> bool:
    """Whether the answer is the rest of a file from byte `here` on, not the file from its start."""
    is_part = response.status_code == httpx.codes.PARTIAL_CONTENT
    return is_part and response.headers.get("content-range", "").startswith(f"bytes {here}-")


def _strong_validator(response: httpx.Response) -> str | None:
    """What tells this file from a later one, where the server can send parts of it."""
    tag = response.headers.get("etag", "")
    ranges = response.headers.get("accept-ranges") == "bytes" or "content-range" in response.headers
    return tag if ranges and tag.startswith('"') else None


def _check_known(client: httpx.Client, url: str, accession: str) -> None:
    response = client.get(url)
    _check_status(response, accession)
    try:
        known = bool(response.json().get("reports"))
    except (ValueError, AttributeError) as error:
        raise InputError(
            f"{url} answers with something else than a report; check the base address"
        ) from error
    if not known:
        raise _unknown(accession)


def _check_status(response: httpx.Response, accession: str) -> None:
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
        wait = _retry_after(response.headers.get("retry-after", ""))
        if wait is not None and wait > LONGEST_WAIT:
            raise InputError(f"{response.url.host} asks to wait for {wait:.0f} s; try again later")
        raise BusyError(f"{response.url.host} answers {status} {response.reason_phrase}", wait)
    if status in (httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND):
        raise _unknown(accession)
    if status >= 300:
        raise InputError(
            f"{response.url.host} refuses {accession}: {status} {response.reason_phrase}; "
            f"check the base address and {KEY_VARIABLE}"
        )


def _unknown(accession: str) -> InputError:
    return InputError(
        f"NCBI does not know the assembly {accession}, or does not give it away; look it up with its version "
        "at https://www.ncbi.nlm.nih.gov/datasets/genome/"
    )


def _retry_after(text: str) -> float | None:
    """Seconds that a Retry-After header asks for, which may be a number or a date."""
    if text.strip().isdecimal():
        return float(text)
    with suppress(ValueError, TypeError):
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return None


def _seconds_to_wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait if isinstance(error, BusyError) else None
    return _backoff(state) if asked is None else asked


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    seconds = state.next_action.sleep if state.next_action else 0
    log.warning("%s; once more in %.0f s", _text(error), seconds)


def _text(error: BaseException | None) -> str:
    return str(error) or type(error).__name__
