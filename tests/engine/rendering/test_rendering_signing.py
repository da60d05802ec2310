"""Signed pictures and films: what others read of them, and what is said where nothing can be signed."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import subprocess
import threading

import c2pa
import cv2
import made_certificates
import made_videos
import numpy as np
import pytest

from dgtalker_engine import avatar as avatars_room
from dgtalker_engine.cli.main import main
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.rendering.formats import FORMATS
from dgtalker_engine.rendering.sequence import Rules, render_files
from dgtalker_engine.rendering.signing.signer import AVATARS, Signer, manifest
from dgtalker_engine.rendering.talking_shot import front_camera
from dgtalker_engine.wire import SequenceRequest, Shot, ShotFrame, ShotHead, SigningCredential, SignRequest
from dgtalker_engine.wire.signing import media_type

IDENTITY = (1.0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return made_certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def robin():
    return avatars_room.load(avatars_room.builtin("robin"))


@pytest.fixture(scope="module")
def shot(robin):
    camera = front_camera(robin, 32)
    frames = tuple(ShotFrame(i, camera, (ShotHead(0, IDENTITY, {"jawOpen": i / 6}),)) for i in range(1, 7))
    return Shot(width=32, height=32, avatars=("robin",), frames=frames)


def credential(chain, key, time_stamps=""):
    return SigningCredential(certificates=str(chain), key=str(key), time_stamps=time_stamps)


def read(data, kind="image/png"):
    with c2pa.Reader(kind, io.BytesIO(data)) as reader:
        return reader.get_validation_state(), reader.get_active_manifest()


def actions(active):
    (found,) = (each["data"]["actions"] for each in active["assertions"] if each["label"].startswith("c2pa.actions"))
    return found


def go(shot, robin, folder, signer=None):
    files = [folder / f"{frame.number}.png" for frame in shot.frames]
    return render_files([shot], [[robin]], files, FORMATS["png"], lambda done, text: None, Rules(signer=signer))


def test_others_read_who_made_a_picture_and_that_it_was_changed(made, robin, shot, tmp_path):
    assert go(shot, robin, tmp_path / "plain").rendered == 6
    assert go(shot, robin, tmp_path / "signed", Signer(credential(made.chain, made.key))).rendered == 6
    for plain, signed in zip(
        sorted((tmp_path / "plain").iterdir()), sorted((tmp_path / "signed").iterdir()), strict=True
    ):
        data = signed.read_bytes()
        state, active = read(data)
        assert state == "Valid"
        assert active["signature_info"]["common_name"] == "Signer"
        assert actions(active)[0]["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
        assert actions(active)[0]["softwareAgent"]["name"] == "DGTalker"
        (seen,) = (each["data"]["avatars"] for each in active["assertions"] if each["label"] == AVATARS)
        assert seen == [{"hash": robin.metadata.hash, "consent": "synthetic"}]
        assert str(tmp_path) not in data.decode("latin-1")
        assert plain.read_bytes()[-100:] == data[-100:], "the picture is the same"
        changed = bytearray(data)
        changed[data.index(b"IDAT") + 20] ^= 1
        assert read(bytes(changed))[0] == "Invalid"


def test_what_is_signed_already_is_kept_and_another_signer_makes_it_anew(made, robin, shot, tmp_path):
    signer = Signer(credential(made.chain, made.key))
    assert go(shot, robin, tmp_path, signer).rendered == 6
    assert go(shot, robin, tmp_path, signer).rendered == 0
    other = made_certificates.make(tmp_path / "other")
    assert go(shot, robin, tmp_path, Signer(credential(other.chain, other.key))).rendered == 6
    changed = bytearray((tmp_path / "2.png").read_bytes())
    changed[changed.index(b"IDAT") + 20] ^= 1
    (tmp_path / "2.png").write_bytes(changed)
    assert go(shot, robin, tmp_path, Signer(credential(other.chain, other.key))).rendered == 1, "what was changed"
    assert read((tmp_path / "2.png").read_bytes())[0] == "Valid"
    assert go(shot, robin, tmp_path).rendered == 6, "unsigned is another file, too"


@pytest.mark.parametrize("algorithm", ["EC", "RSA", "ED25519"])
def test_files_as_others_write_them(algorithm, tmp_path):
    """CRLF and remarks round the certificates, as Windows and OpenSSL's pkcs12 have it, and keys of the older kinds."""
    made = made_certificates.make(tmp_path, algorithm)
    blocks = made.chain.read_text().replace("-----BEGIN", "Bag Attributes\n    friendlyName: ä\n-----BEGIN")
    made.chain.write_bytes(b"\xef\xbb\xbf" + blocks.replace("\n", "\r\n").encode())
    if algorithm != "ED25519":
        subprocess.run(["openssl", "pkey", "-in", made.key, "-traditional", "-out", tmp_path / "old.key"], check=True)
        assert f"BEGIN {algorithm} PRIVATE KEY" in (tmp_path / "old.key").read_text()
        made = made._replace(key=tmp_path / "old.key")
    state, active = read(Signer(credential(made.chain, made.key)).sign(_png(), "image/png", manifest({}, True)))
    assert state == "Valid"
    assert actions(active)[0]["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")


def test_a_film_is_signed_where_it_lies_and_only_once(made, tmp_path):
    film = made_videos.write_video(tmp_path / "film.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5)
    before = film.read_bytes()
    signer = Signer(credential(made.chain, made.key))
    signer.sign_file(film, manifest({}))
    data = film.read_bytes()
    assert read(data, "video/mp4")[0] == "Valid"
    changed = bytearray(data)
    changed[data.index(b"mdat") + 12] ^= 1
    assert read(bytes(changed), "video/mp4")[0] == "Invalid"
    assert len(data) > len(before)
    with pytest.raises(DGTalkerError, match="is signed already"):
        signer.sign_file(film, manifest({}))
    assert film.read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_a_credential_of_no_use_says_why(made, tmp_path):
    other = made_certificates.make(tmp_path / "other")
    old = made_certificates.make(tmp_path / "old", days=-1)
    locked, reverse = tmp_path / "locked.key", tmp_path / "reverse.pem"
    subprocess.run(["openssl", "pkey", "-in", made.key, "-aes256", "-passout", "pass:x", "-out", locked], check=True)
    reverse.write_bytes(made.authority.read_bytes() + made.chain.read_bytes())
    (tmp_path / "empty.pem").write_text("nothing")
    cases = {
        (made.chain, other.key): "cannot be signed|Nothing can be signed",
        (made.authority, made.key): "self-signed",
        (made.chain, locked): "protected by a password",
        (made.chain, made.chain): "no private key",
        (tmp_path / "empty.pem", made.key): "no certificate",
        (reverse, made.key): "do not follow each other",
        (old.chain, old.key): "not today",
        (made.chain, tmp_path / "none.key"): "cannot be read",
    }
    for (chain, key), what in cases.items():
        with pytest.raises(DGTalkerError, match=what) as caught:
            Signer(credential(chain, key))
        assert "PRIVATE" not in str(caught.value)


def test_what_cannot_be_signed_stays_as_it_was(made, robin, shot, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    signer = Signer(credential(made.chain, made.key))
    with pytest.raises(DGTalkerError, match="not signed"):
        signer.sign_file(broken, manifest({}))
    assert broken.read_bytes() == b"no picture"
    with pytest.raises(DGTalkerError, match=r"cannot sign \.exr"):
        render_files([shot], [[robin]], [tmp_path / "a.exr"] * 6, FORMATS["exr"], print, Rules(signer=signer))
    with pytest.raises(DGTalkerError, match=r"127\.0\.0\.1:9"):
        Signer(credential(made.chain, made.key, "http://127.0.0.1:9/"))


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tif"])
def test_pictures_as_blender_writes_them_are_the_same_afterwards(made, ending, tmp_path):
    deep = ending in ("png", "tif")
    seen = np.random.default_rng(0).integers(0, 65535 if deep else 255, (20, 30, 3), np.uint16 if deep else np.uint8)
    path = tmp_path / f"ä ö.{ending}"
    path.write_bytes(cv2.imencode(path.suffix, seen)[1].tobytes())
    before = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    Signer(credential(made.chain, made.key)).sign_file(path, manifest({}))
    assert read(path.read_bytes(), media_type(path))[0] == "Valid"
    after = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    assert after.dtype == seen.dtype
    assert np.array_equal(after, before)


def test_nothing_asks_the_network_by_itself(tmp_path, monkeypatch):
    """Certificates name addresses, of revocation lists and of who issued them, and files of manifests."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen():
            with contextlib.suppress(OSError):  # it is closed
                while True:
                    asked.append(server.accept())

        threading.Thread(target=listen, daemon=True).start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        more = f"authorityInfoAccess=OCSP;URI:{address}/ocsp,caIssuers;URI:{address}/issuer\n"
        more += f"crlDistributionPoints=URI:{address}/list\n"
        monkeypatch.setattr(made_certificates, "_EXTENSIONS", made_certificates._EXTENSIONS + more)
        made = made_certificates.make(tmp_path)
        signer = Signer(credential(made.chain, made.key))
        (tmp_path / "a.png").write_bytes(signer.sign(_png(), "image/png", manifest({})))
        assert signer.is_intact(tmp_path / "a.png")
        with pytest.raises(DGTalkerError, match="signed already"):
            signer.sign_file(tmp_path / "a.png", manifest({}))
        assert not asked


def test_requests_keep_what_they_say(made, shot):
    own = credential(made.chain, made.key, "https://time.example")
    asked = SignRequest(files=("/a.png",), credential=own, composite=True, avatars={"a" * 64: "self"})
    assert SignRequest.from_header(json.loads(json.dumps(asked.to_header()))) == asked
    sequence = SequenceRequest(
        shots=(shot,), files=tuple(f"/{i}.png" for i in range(6)), format=FORMATS["png"].settings, credential=own
    )
    header, body = sequence.to_message()
    assert SequenceRequest.from_message(json.loads(json.dumps(header)), b"".join(body)).credential == own
    with pytest.raises(DGTalkerError, match="not absolute"):
        credential("chain.pem", made.key)


def test_the_command_line_signs_what_it_renders_and_what_is_there(made, robin, shot, tmp_path, capsys):
    (tmp_path / "shot.json").write_text(shot.to_json())
    signing = ["--sign-with", str(made.chain), "--key", str(made.key)]
    command = ["render", str(tmp_path / "shot.json"), "-o", str(tmp_path / "out"), *signing]
    assert main(command) == 0
    files = sorted((tmp_path / "out").iterdir())
    assert len(files) == 6
    assert {read(path.read_bytes())[0] for path in files} == {"Valid"}
    assert main([*command, "--format", "exr"]) == 1
    assert "C2PA cannot sign .exr" in capsys.readouterr().err

    later = tmp_path / "later.png"
    later.write_bytes(_png())
    command = ["sign", str(later), "--avatar", "robin", *signing]
    assert main(command) == 0
    assert read(later.read_bytes())[0] == "Valid"
    assert main(command) == 1
    assert "signed already" in capsys.readouterr().err


def _png():
    return FORMATS["png"].encode(np.ones((8, 8, 4), np.float32), np.ones((8, 8), np.float32), "")
