"""What a bug report leaves out, and what it leaves in."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("addon")


@pytest.mark.parametrize(
    ("line", "cleaned"),
    [
        ('File "/home/amal/Filme/take 3/amal.mov" is broken', 'File "…/….mov" is broken'),
        (
            'File "/opt/env/lib/python3.11/site-packages/torch/nn.py", line 3',
            'File "…/lib/python3.11/site-packages/torch/nn.py", line 3',
        ),
        ("C:\\Users\\Amal Doe\\voice.wav: no sound", "…/….wav: no sound"),
        ("no /home/a.doe/My Client v1.2/take 3.blend here", "no …/….blend here"),
        ("/x/site-packages/torch/nn.py and /home/a/My Client/b.wav", "…/site-packages/torch/nn.py and …/….wav"),
        ("https://doe:hunter2@mirror/simple/torch.whl is not there", "https:…/….whl is not there"),
        ("Amal's head: amal doe agreed", "…'s head: … agreed"),
        ("it heard 'I never said that' at 3.2 s", "it heard 'I … … …' at 3.2 s"),
        ("never say never", "never say never"),
        ("the word Rosebud", "the word …"),
        ("connected, protocol 3.1", "connected, protocol 3.1"),
        ("12/30 frames", "12/30 frames"),
    ],
)
def test_names_folders_and_spoken_words_go_and_the_rest_stays(line, cleaned):
    from blender_addon.bug_report import Private, clean

    private = Private(names=("Amal Doe", "amal"), spoken=("never said that again", "Rosebud"))
    assert clean(line, private) == cleaned


def test_a_report_has_its_parts_and_the_end_of_the_log(tmp_path):
    from blender_addon.bug_report import LINES, Private, compose

    log = tmp_path / "engine.log"
    log.write_text("".join(f"line {i}\n" for i in range(1000)))
    text = compose(["Blender 5.2"], ["ok: PyTorch"], "", log, Private())
    assert text.count("\nline ") == LINES
    assert "line 999" in text
    assert "## Last error\nnone" in text
    assert "## Log\nnone" in compose([], [], "It broke.", tmp_path / "nothing.log", Private())
