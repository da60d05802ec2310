"""The connection to one engine: requests from any thread, their answers, progress, cancel and heartbeat. No Blender."""

from __future__ import annotations

import contextlib
import itertools
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.wire import Channel, Kind, WireError

from .process import EngineGone

HEARTBEAT = 30.0
"""Seconds without a byte, after a ping, until an engine counts as hung. Work that holds Python's lock delays pongs."""

CANCEL_TIMEOUT = 1.0

_POLL = 0.02
_SILENCE = 1.0
_CLOSE_TIMEOUT = 3.0


@dataclass(frozen=True)
class Reply:
    """The engine's answer."""

    header: dict[str, Any]
    body: bytearray


class EngineError(DGTalkerError):
    """The engine's error to one request; `header` is all of what it said."""

    def __init__(self, header: dict[str, Any]) -> None:
        super().__init__(str(header.get("message")), str(header.get("hint", "")), str(header.get("code", "error")))
        self.header = header


class HungError(Exception):
    """The engine is there and does not answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"It has not answered for {seconds:g} s")


_Message = tuple[Kind, dict[str, Any], bytearray]
_Mailbox = queue.SimpleQueue[_Message | None]


class Client:
    """Talks to one engine until it is gone.

    Args:
        sock: connected, after the handshake.
        end: called once the connection is over; makes sure that the engine is too, and returns how it ended.
        heartbeat: see `HEARTBEAT`.
    """

    def __init__(self, sock: socket.socket, end: Callable[[], str], heartbeat: float = HEARTBEAT) -> None:
        self._end = end
        self._heartbeat = heartbeat
        self._selector = selectors.DefaultSelector()
        self._selector.register(sock, selectors.EVENT_READ)
        self._silent = 0.0
        self._channel = Channel(sock, self._wait)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._mailboxes: dict[int, _Mailbox] = {}
        self._gone = threading.Event()
        self._reason = ""
        self._reader = threading.Thread(target=self._read, name="dgtalker reader", daemon=True)
        self._reader.start()
        threading.Thread(target=self._ping, name="dgtalker heartbeat", daemon=True).start()

    @property
    def alive(self) -> bool:
        return not self._gone.is_set()

    @property
    def reason(self) -> str:
        """Why the engine is gone."""
        return self._reason

    def close(self) -> None:
        """Ends the connection, and the engine with it; requests under way raise EngineGone."""
        self._reason = self._reason or "It was stopped."
        self._channel.shutdown()
        self._reader.join(_CLOSE_TIMEOUT)

    def request(
        self,
        op: str,
        header: dict[str, Any] | None = None,
        body: Sequence[Any] = (),
        on_progress: Callable[[float, str], None] | None = None,
        should_cancel: Callable[[], bool] | None = None,
    ) -> Reply:
        """Asks and waits for the answer; the callbacks are called in this thread.

        Raises:
            EngineGone: before the answer came.
            EngineError: the engine's error.
            Cancelled: `should_cancel` returned True.
        """
        number = next(self._numbers)
        mailbox: _Mailbox = queue.SimpleQueue()
        with self._lock:
            if not self.alive:
                raise EngineGone(self._reason)
            self._mailboxes[number] = mailbox
        try:
            self._send(Kind.REQUEST, {**(header or {}), "id": number, "op": op}, body)
            return self._answer(number, mailbox, on_progress, should_cancel)
        finally:
            with self._lock:
                self._mailboxes.pop(number, None)

    def _answer(
        self,
        number: int,
        mailbox: _Mailbox,
        on_progress: Callable[[float, str], None] | None,
        should_cancel: Callable[[], bool] | None,
    ) -> Reply:
        answered = False
        try:
            while True:
                if should_cancel is not None and should_cancel():
                    raise Cancelled
                try:
                    message = mailbox.get(timeout=_POLL)
                except queue.Empty:
                    continue
                answered = message is None or message[0] is not Kind.EVENT
                if message is None:
                    raise EngineGone(self._reason)
                kind, header, body = message
                if kind is Kind.RESPONSE:
                    return Reply(header, body)
                if kind is Kind.ERROR:
                    raise Cancelled if header.get("code") == "cancelled" else EngineError(header)
                if on_progress is not None:
                    on_progress(float(header.get("fraction", 0.0)), str(header.get("text", "")))
        except BaseException:  # ESC, Ctrl-C, or a callback that failed: nobody waits for this work any more
            if not answered:
                self._cancel(number, mailbox)
            raise

    def _cancel(self, number: int, mailbox: _Mailbox) -> None:
        """Tells the engine, and waits a moment for it to say so: what is asked next then starts sooner."""
        deadline = time.monotonic() + CANCEL_TIMEOUT
        with contextlib.suppress(EngineGone, queue.Empty):
            self._send(Kind.CANCEL, {"id": number})
            while message := mailbox.get(timeout=max(0.0, deadline - time.monotonic())):
                if message[0] is not Kind.EVENT:
                    return

    def _send(self, kind: Kind, header: dict[str, Any], body: Sequence[Any] = ()) -> None:
        try:
            self._channel.send(kind, header, body)
        except OSError as error:
            # The reading thread learns of it too, and knows the reason better.
            self._gone.wait(_CLOSE_TIMEOUT)
            raise EngineGone(self._reason or str(error)) from error

    def _read(self) -> None:
        reason = ""
        try:
            while True:
                head = self._channel.reader.head()
                body = self._channel.reader.body(head)
                if head.kind in (Kind.RESPONSE, Kind.ERROR, Kind.EVENT):
                    with self._lock:
                        mailbox = self._mailboxes.get(_number(head.header))
                    if mailbox is not None:
                        mailbox.put((head.kind, head.header, body))
                elif head.kind is not Kind.PONG:
                    raise WireError(f"A {head.kind.name.lower()} arrived, which the engine never sends.")
        except OSError:
            reason = "It ended"
        except (HungError, WireError, MemoryError) as error:
            reason = str(error) or type(error).__name__
        finally:
            self._channel.close()
            self._selector.close()
            how = self._end()
            with self._lock:
                self._reason = self._reason or f"{reason} ({how})."
                self._gone.set()
                waiting = list(self._mailboxes.values())
            for mailbox in waiting:
                mailbox.put(None)

    def _wait(self) -> None:
        """Counts the seconds in which nothing arrived while this thread was really waiting: a Blender that was busy,
        suspended or stopped finds the bytes that came meanwhile and does not blame the engine."""
        while not self._selector.select(min(_SILENCE, self._heartbeat / 5)):
            self._silent += min(_SILENCE, self._heartbeat / 5)
            if self._silent >= self._heartbeat:
                raise HungError(self._heartbeat)
        self._silent = 0.0

    def _ping(self) -> None:
        with contextlib.suppress(EngineGone):
            while not self._gone.wait(min(2.0, self._heartbeat / 4)):
                if self._silent:
                    self._send(Kind.PING, {"id": 0})


def _number(header: dict[str, Any]) -> int:
    number = header.get("id")
    if type(number) is not int:
        raise WireError("An answer has no id.")
    return number
