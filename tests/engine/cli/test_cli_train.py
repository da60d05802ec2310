"""`train`: consent, progress, Ctrl-C, and going on."""

from __future__ import annotations

import signal

import pytest
from bound_head import made_clip, system_that

from dgtalker_engine import avatar, systems
from dgtalker_engine.cli.main import main
from dgtalker_engine.training.avatar_job import train_avatar


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return made_clip(tmp_path_factory.mktemp("clip") / "clip", frames=5, size=64).folder


@pytest.fixture
def train(clip, monkeypatch):
    """``train(output, *options, each_step=…) -> exit code``, with a quick system in GaussianTalker's place."""

    def run(output, *options, given=clip, each_step=lambda number: None):
        def trainer(request, run):
            return train_avatar(system_that(each_step), request, run)

        monkeypatch.setitem(systems.TRAINERS, "gaussiantalker", trainer)
        words = ["train", str(given), "--system", "gaussiantalker", "-o", str(output), "--subject", "Nobody"]
        return main([*words, *options])

    return run


def test_ctrl_c_keeps_a_checkpoint_and_the_same_command_goes_on_to_the_end(tmp_path, train, capsys):
    steps = []

    def press(number):
        steps.append(number)
        if number == 11:
            signal.raise_signal(signal.SIGINT)

    usual = signal.getsignal(signal.SIGINT)
    assert train(tmp_path / "head.dgt", "--consent", "synthetic", each_step=press) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert (tmp_path / "head.training" / "train" / "checkpoint.safetensors").is_file()
    assert not (tmp_path / "head.dgt").exists()
    assert train(tmp_path / "head.dgt", "--consent", "synthetic", each_step=steps.append) == 0
    assert steps == list(range(20))
    assert signal.getsignal(signal.SIGINT) is usual
    said = capsys.readouterr().err
    assert "writing the head" in said
    assert "Gaussians" in said
    consent = avatar.load(tmp_path / "head.dgt").metadata.consent
    assert (consent.subject, len(consent.date)) == ("Nobody", 10)
    assert (tmp_path / "head.training" / "preview.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--consent", "self"), "no scope"),
        (("--consent", "signed", "--scope", "a film"), "no granted by"),
        (("--consent", "signed", "--scope", "a film", "--granted-by", "Ada"), "no date"),
        (("--consent", "signed", "--scope", "a film", "--granted-by", "Ada", "--date", "soon"), "is no date"),
    ],
)
def test_a_consent_that_says_too_little_is_refused_and_leaves_nothing(tmp_path, train, capsys, options, said):
    assert train(tmp_path / "head.dgt", *options) == 1
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_the_training_of_another_video_is_left_alone(tmp_path, train, capsys):
    (tmp_path / "head.training").mkdir()
    (tmp_path / "head.training" / "training.json").write_text('{"input": "another.mp4"}')
    assert train(tmp_path / "head.dgt", "--consent", "synthetic") == 1
    assert "another video" in capsys.readouterr().err


def test_what_earlier_runs_have_captured_stays_where_a_later_one_fails(tmp_path, train, capsys):
    video, captured = tmp_path / "talk.mp4", tmp_path / "head.training" / "clip" / "frames" / "000000.jpg"
    video.write_text("no video at all")
    captured.parent.mkdir(parents=True)
    captured.touch()
    assert train(tmp_path / "head.dgt", "--consent", "synthetic", given=video) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert captured.is_file()
    assert train(tmp_path / "head.dgt", "--consent", "synthetic", "--face-model", "typo.pkl", given=video) == 1
    assert "face model" in capsys.readouterr().err
    assert captured.is_file()


def test_a_video_that_is_none_leaves_nothing(tmp_path, train, capsys):
    (tmp_path / "talk.mp4").write_text("no video at all")
    assert train(tmp_path / "head.dgt", "--consent", "synthetic", given=tmp_path / "talk.mp4") == 1
    assert "cannot be read" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["talk.mp4"]


def test_without_the_word_consent_the_command_does_not_begin(tmp_path, train, capsys):
    with pytest.raises(SystemExit):
        train(tmp_path / "head.dgt")
    assert "--consent" in capsys.readouterr().err
