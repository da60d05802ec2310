"""One connection: a thread that reads and answers at once, and workers that do the requests in order."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import Cancelled, DGTalkerError
from ..wire import Channel, Head, Kind, WireError

QUEUE_LIMIT = 64
QUEUED_BYTES_LIMIT = 32 * 1024 * 1024
EVENT_INTERVAL = 0.05

_TEXT_LIMIT = 8000

log = logging.getLogger(__name__)

Progress = Callable[[float, str], None]
Answer = tuple[dict[str, Any], Sequence[Any]]
"""A response's header and the buffers of its body."""
Handler = Callable[[str, dict[str, Any], bytearray, Progress], Answer]
"""``(op, header, body, progress) -> answer``"""


class UnknownAvatar(DGTalkerError):
    """A request names an avatar that is not open in this engine: open it and repeat the request."""

    def __init__(self, avatar: str) -> None:
        super().__init__("An avatar is not open in the engine.", f"Its hash is {avatar[:80]}.", code="unknown_avatar")
        self.avatar = avatar


@dataclass(eq=False, kw_only=True)
class PendingRequest:
    """A request that has not been answered yet, or whose answer was sent while it was still being worked on."""

    id: int
    op: str
    header: dict[str, Any]
    body: bytearray
    answered: bool = False


class Session:
    """Serves one connection until it ends, and the process with it.

    Args:
        channel: connected, after the handshake.
        handle: does a request; runs in the thread that calls `run`, or in one of its own for what is `apart`.
        warm_up: called before the first request is done, while requests already arrive.
        apart: operations that take minutes in another process: each has a worker of its own, and holds up none else.
    """

    def __init__(
        self, channel: Channel, handle: Handler, warm_up: Callable[[], None], apart: Collection[str] = ()
    ) -> None:
        self._channel = channel
        self._handle = handle
        self._warm_up = warm_up
        self._apart = frozenset(apart)
        self._changed = threading.Condition()
        self._queue: deque[PendingRequest] = deque()
        self._queued_bytes = 0
        self._open: dict[int, PendingRequest] = {}

    def run(self) -> None:
        """Works until the process is ended by the reading thread: when the owner says bye, closes the connection or
        is gone, whatever is being worked on."""
        threading.Thread(target=self._read, name="reader", daemon=True).start()
        self._warm_up()
        for op in self._apart:
            threading.Thread(target=self._do, args=(lambda other, op=op: other == op,), name=op, daemon=True).start()
        self._do(lambda op: op not in self._apart)

    def _do(self, mine: Callable[[str], bool]) -> NoReturn:
        while True:
            self._work(self._next(mine))

    def _read(self) -> None:
        code = 1
        try:
            while self._receive(self._channel.reader.head()):
                pass
            code = 0
        except OSError:
            code = 0
            log.info("the owner is gone")
        except WireError as error:
            log.error("the connection is closed: %s", error)
        except Exception:
            log.exception("the reading thread failed")
        finally:
            os._exit(code)

    def _receive(self, head: Head) -> bool:
        reader = self._channel.reader
        number = head.header.get("id")
        if head.kind is Kind.REQUEST:
            self._accept(head)
            return True
        reader.skip_body(head)
        if head.kind is Kind.PING:
            self._send(Kind.PONG, {"id": number})
        elif head.kind is Kind.CANCEL:
            self._cancel(number)
        elif head.kind is not Kind.BYE:
            raise WireError(f"A {head.kind.name.lower()} arrived, which only the engine sends.")
        return head.kind is not Kind.BYE

    def _accept(self, head: Head) -> None:
        number, op = head.header.get("id"), head.header.get("op")
        if type(number) is not int or not isinstance(op, str) or number in self._open:
            raise WireError("A request has no op, or no id of its own.")
        if len(self._queue) >= QUEUE_LIMIT or self._queued_bytes >= QUEUED_BYTES_LIMIT:
            self._channel.reader.skip_body(head)
            busy = DGTalkerError("The engine has too much to do already.", "Wait until it has caught up.", "busy")
            self._send(Kind.ERROR, error_header(number, busy))
            return
        request = PendingRequest(id=number, op=op, header=head.header, body=self._channel.reader.body(head))
        with self._changed:
            self._open[number] = request
            self._queue.append(request)
            self._queued_bytes += len(request.body)
            self._changed.notify_all()

    def _cancel(self, number: Any) -> None:
        with self._changed:
            request = self._open.get(number) if type(number) is int else None
            if request in self._queue:
                self._queue.remove(request)
                self._queued_bytes -= len(request.body)
        if request is not None:
            self._answer(request, Kind.ERROR, error_header(request.id, Cancelled()))

    def _next(self, mine: Callable[[str], bool]) -> PendingRequest:
        with self._changed:
            while (request := next((each for each in self._queue if mine(each.op)), None)) is None:
                self._changed.wait()
            self._queue.remove(request)
            self._queued_bytes -= len(request.body)
            return request

    def _work(self, request: PendingRequest) -> None:
        what = request.op
        last_event = 0.0

        def progress(fraction: float, text: str) -> None:
            nonlocal what, last_event
            if request.answered:
                raise Cancelled
            what = text
            now = time.monotonic()
            if now - last_event >= EVENT_INTERVAL:
                last_event = now
                self._send(Kind.EVENT, {"id": request.id, "fraction": float(fraction), "text": text[:_TEXT_LIMIT]})

        try:
            header, body = self._handle(request.op, request.header, request.body, progress)
        except DGTalkerError as error:
            self._answer(request, Kind.ERROR, error_header(request.id, error))
        except MemoryError:
            log.exception("out of memory during %s", what)
            error = DGTalkerError("There is not enough memory for this.", "Close other programs or render smaller.")
            self._answer(request, Kind.ERROR, error_header(request.id, error))
        except Exception as error:
            log.exception("%s failed", what)
            self._answer(request, Kind.ERROR, error_header(request.id, _unexpected(request.op, error)))
        else:
            self._answer(request, Kind.RESPONSE, {**header, "id": request.id}, body)

    def _answer(self, request: PendingRequest, kind: Kind, header: dict[str, Any], body: Sequence[Any] = ()) -> None:
        """Sends the one answer of a request; does nothing when it has been sent."""
        with self._changed:
            if request.answered:
                return
            request.answered = True
            self._open.pop(request.id, None)
        try:
            self._send(kind, header, body)
        except (DGTalkerError, TypeError, ValueError) as error:  # it cannot be sent, and nothing of it was
            log.exception("the answer to %s cannot be sent", request.op)
            self._send(Kind.ERROR, error_header(request.id, _unexpected(request.op, error)))

    def _send(self, kind: Kind, header: dict[str, Any], body: Sequence[Any] = ()) -> None:
        try:
            self._channel.send(kind, header, body)
        except OSError:
            log.info("the owner is gone")
            os._exit(0)


def _unexpected(op: str, error: Exception) -> DGTalkerError:
    return DGTalkerError(
        f"The engine failed unexpectedly in {op}: {type(error).__name__}: {error}",
        "The engine's log has the details; please report this.",
    )


def error_header(number: int, error: DGTalkerError) -> dict[str, Any]:
    """The header of an error frame."""
    header: dict[str, Any] = {"id": number, "code": error.code}
    header |= {"message": error.message[:_TEXT_LIMIT], "hint": error.hint[:_TEXT_LIMIT]}
    return header | ({"avatar": error.avatar[:_TEXT_LIMIT]} if isinstance(error, UnknownAvatar) else {})
