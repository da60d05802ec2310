"""Downloads: what comes over a bad line, or is not what it should be."""

from __future__ import annotations

import threading

import pytest

from dgtalker_engine.errors import Cancelled, DGTalkerError

DATA = bytes(range(256)) * 4000
NAME = "thing-1.0+cpu-py3-none-any.whl"


@pytest.fixture
def fetch(server, tmp_path, listed):
    """``fetch(**sources) -> (path, bytes reported)``: the file NAME from the server."""
    from blender_addon.install import download
    from blender_addon.install.control import Control
    from blender_addon.install.sources import Sources

    server.files[NAME] = DATA
    file = listed(NAME, DATA)

    def go(control=None, file=file, **sources):
        reported: list[int] = []
        sources = {"pypi": f"{server.url}/simple", "timeout": 10.0, **sources}
        path = download.fetch(
            file, tmp_path, Sources(**sources), control or Control(), reported.append, pauses=(0.0, 0.0)
        )
        return path, reported

    return go


def test_a_file_comes_whole_and_a_second_time_nothing_is_asked(fetch, server):
    path, reported = fetch()
    assert path.read_bytes() == DATA
    assert reported[-1] == len(DATA)
    fetch()
    assert server.asked == [0]


def test_a_line_that_breaks_again_and_again_goes_on_where_it_broke(fetch, server):
    server.cuts = [300_000, 0, 300_000, 100_000, 100_000]
    path, _ = fetch()
    assert path.read_bytes() == DATA
    assert server.asked == [0, 300_000, 300_000, 600_000, 700_000, 800_000]


def test_a_line_that_stays_broken_is_said_and_what_came_is_used_later(fetch, server, tmp_path):
    server.cuts = [200_000, 0, 0]
    with pytest.raises(DGTalkerError, match=r"thing-1\.0.*cannot be downloaded") as caught:
        fetch()
    assert caught.value.code == "no_connection"
    assert (tmp_path / f"{NAME}.part").stat().st_size == 200_000
    server.asked.clear()
    assert fetch()[0].read_bytes() == DATA
    assert server.asked == [200_000]


def test_a_server_that_cannot_begin_in_the_middle_begins_anew(fetch, server):
    server.ranges, server.cuts = False, [500_000]
    assert fetch()[0].read_bytes() == DATA
    assert server.asked == [0, 0]


@pytest.mark.parametrize(
    "span", ["bytes */1024000", "bytes", "bytes -5-9/20", "bytes " + "9" * 5000 + "-1/2", "0-9/10"]
)
def test_an_answer_whose_range_makes_no_sense_is_asked_again(fetch, server, span):
    server.cuts, server.spans = [500_000], [f"bytes 0-{len(DATA) - 1}/{len(DATA)}", span]
    assert fetch()[0].read_bytes() == DATA


def test_another_file_of_that_name_is_refused_and_not_kept(fetch, server, tmp_path):
    server.files[NAME] = DATA[:-1] + b"!"
    with pytest.raises(DGTalkerError, match="hash") as caught:
        fetch()
    assert caught.value.code == "wrong_hash"
    assert list(tmp_path.iterdir()) == []


def test_the_beginning_of_another_file_is_thrown_away(fetch, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(b"something else")
    assert fetch()[0].read_bytes() == DATA


def test_a_file_that_was_damaged_on_the_disk_comes_again(fetch, tmp_path):
    (tmp_path / NAME).write_bytes(b"damaged")
    assert fetch()[0].read_bytes() == DATA


def test_a_file_whose_size_nobody_knows_may_be_whole_already(fetch, server, tmp_path, listed):
    from dataclasses import replace

    (tmp_path / f"{NAME}.part").write_bytes(DATA)
    file = replace(listed(NAME, DATA), size=0, url=f"{server.url}/files/{NAME}")
    assert fetch(file=file)[0].read_bytes() == DATA


def test_a_file_that_the_index_does_not_have_names_the_index(fetch, server):
    server.files.clear()
    with pytest.raises(DGTalkerError, match=r"127\.0\.0\.1.*has no file thing"):
        fetch()


def test_a_folder_that_was_brought_along_comes_first_and_needs_no_internet(fetch, server, tmp_path):
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / NAME).write_bytes(DATA)
    path, _ = fetch(folder=stick, online=False)
    assert path.read_bytes() == DATA
    assert server.asked == []


def test_an_index_may_be_a_folder(fetch, server, tmp_path):
    page = tmp_path / "mirror" / "thing"
    page.mkdir(parents=True)
    (page / NAME).write_bytes(DATA)
    (page / "index.html").write_text(f'<a href="{NAME.replace("+", "%2B")}">it</a>')
    assert fetch(pypi=(tmp_path / "mirror").as_uri(), online=False)[0].read_bytes() == DATA


def test_blenders_word_that_it_may_not_go_online_counts(fetch, server):
    with pytest.raises(DGTalkerError, match="Allow Online Access"):
        fetch(online=False)
    assert server.asked == []


def test_pausing_stops_the_bytes_and_cancelling_keeps_them(server, tmp_path, listed, wait_until):
    from blender_addon.install import download
    from blender_addon.install.control import Control
    from blender_addon.install.sources import Sources

    server.files[NAME] = DATA
    control, reported, ended = Control(), [], []

    def count(done):
        reported.append(done)
        if done:
            control.pause()  # after the first bytes, and after each that come while it is not paused

    def work():
        try:
            download.fetch(listed(NAME, DATA), tmp_path, Sources(pypi=f"{server.url}/simple"), control, count)
        except Cancelled as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: control.paused and len(reported) == 2)
    control.resume()
    wait_until(lambda: len(reported) == 3)
    control.cancel()
    thread.join(10)
    assert ended
    assert (tmp_path / f"{NAME}.part").stat().st_size == reported[-1] < len(DATA)
