"""Work in a process of its own: answers one after the other, errors, a cancel, and the end of whoever asked."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from contextlib import closing

import pytest
from process_tools import running

from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.server.child import Child

WORK = """
import os, sys, time
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.server.child import serve

def work(request, data, progress):
    print("what libraries print")
    progress(0.5, str(os.getpid()))
    if request["do"] == "fail":
        raise DGTalkerError("It went wrong.", "Try again.", "odd")
    if request["do"] == "crash":
        os._exit(7)
    if request["do"] == "hang":
        time.sleep(1000)
    return {"got": len(data)}, data[::-1]

serve(work)
"""


def ask(do, data=b"", progress=lambda fraction, text: None):
    with closing(Child([sys.executable, "-I", "-c", WORK])) as child:
        return asked(child, do, data, progress)


def asked(child, do, data=b"", progress=lambda fraction, text: None):
    return child.ask({"do": do}, bytearray(data), progress, begin="Begins", crashed=lambda code: OSError(code))


def test_a_request_is_answered_with_what_was_told_meanwhile():
    told = []
    answer, body = ask("answer", b"abc" * 100_000, lambda *said: told.append(said))
    assert answer == {"got": 300_000}
    assert bytes(body[0]) == b"cba" * 100_000
    assert told[0] == (0.0, "Begins")
    assert told[-1][0] == 0.5


def test_one_process_answers_requests_one_after_the_other():
    told = []
    with closing(Child([sys.executable, "-I", "-c", WORK])) as child:
        for data in (b"abc" * 100_000, b"", b"de"):
            answer, body = asked(child, "answer", data, lambda fraction, text: told.append(text))
            assert (answer, bytes(body[0])) == ({"got": len(data)}, data[::-1])
        assert child.waits
        with pytest.raises(DGTalkerError, match="went wrong"):
            asked(child, "fail", progress=lambda fraction, text: told.append(text))
        assert not child.waits
    (process,) = set(told) - {"Begins"}
    assert not running(int(process))


def test_a_process_that_waits_for_another_request_ends_with_its_owner(wait_until):
    owner = f"""
        from dgtalker_engine.server.child import Child

        def progress(fraction, text):
            if text != "Begins":
                print(text, flush=True)

        child = Child([{sys.executable!r}, "-I", "-c", {WORK!r}])
        child.ask({{"do": "answer"}}, bytearray(), progress, begin="Begins", crashed=OSError)
        assert child.waits
    """
    said = subprocess.run([sys.executable, "-I", "-c", textwrap.dedent(owner)], stdout=subprocess.PIPE, check=True)
    wait_until(lambda: not running(int(said.stdout)))


def test_an_error_arrives_as_it_was_raised():
    with pytest.raises(DGTalkerError) as caught:
        ask("fail")
    assert (caught.value.message, caught.value.hint, caught.value.code) == ("It went wrong.", "Try again.", "odd")


def test_an_error_before_the_request_was_read_arrives_too():
    prepare = 'raise DGTalkerError("There is no camera.", "Plug it in.")'
    source = WORK.replace("serve(work)", f"def prepare():\n    {prepare}\n\nserve(work, prepare)")
    child = Child([sys.executable, "-I", "-c", source])
    with pytest.raises(DGTalkerError, match="no camera"):
        child.ask({"do": "answer"}, bytearray(3_000_000), lambda *_: None, begin="Begins", crashed=OSError)


def test_a_crash_is_told_with_its_exit_code():
    with pytest.raises(OSError, match="7"):
        ask("crash")


def test_a_cancel_ends_a_process_that_says_nothing():
    told = []

    def progress(fraction, text):
        told.append(text)
        if told.count(text) > 2 and text != "Begins":  # it has been silent for two looks
            raise Cancelled

    with pytest.raises(Cancelled):
        ask("hang", progress=progress)
    assert not running(told[-1])


def test_a_process_that_still_prepares_ends_with_its_owner(wait_until):
    """It has not been asked anything yet, and would prepare for ever."""
    preparing = WORK.replace(
        "serve(work)", "serve(work, lambda: (print(os.getpid(), file=sys.stderr), time.sleep(1e6)))"
    )
    owner = f"""
        import subprocess, sys
        child = subprocess.Popen(
            [sys.executable, "-I", "-c", {preparing!r}],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        print(child.stderr.readline().decode().strip(), flush=True)
    """
    said = subprocess.run([sys.executable, "-I", "-c", textwrap.dedent(owner)], stdout=subprocess.PIPE, check=True)
    wait_until(lambda: not running(int(said.stdout)))


def test_a_process_ends_with_whoever_asked_it(wait_until):
    owner = f"""
        import os
        from dgtalker_engine.server.child import Child

        def progress(fraction, text):
            if text != "Begins":
                print(text, flush=True)
                os._exit(0)

        child = Child([{sys.executable!r}, "-I", "-c", {WORK!r}])
        child.ask({{"do": "hang"}}, bytearray(), progress, begin="Begins", crashed=OSError)
    """
    said = subprocess.run([sys.executable, "-I", "-c", textwrap.dedent(owner)], stdout=subprocess.PIPE, check=True)
    wait_until(lambda: not running(int(said.stdout)))
