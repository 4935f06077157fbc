from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile

from musicgen_bot.audio.files import file_name, write_clip
from musicgen_bot.audio.loudness import master
from musicgen_bot.audio.tags import Tags
from musicgen_bot.errors import AudioError, InvalidRequest
from tests.audio import signals
from tests.audio.judge import listen
from tests.audio.signals import RATE

TAGS = Tags("a title", "an ä prompt = 🎵\nof two lines", 7, "a model", "CC-BY-NC-4.0", "a bot 1.0")


@pytest.mark.parametrize(
    ("ending", "container", "coding"),
    [
        (".mp3", "MP3", "MPEG_LAYER_III"),
        (".wav", "WAV", "PCM_16"),
        (".flac", "FLAC", "PCM_16"),
        (".ogg", "OGG", "VORBIS"),
        (".WAV", "WAV", "PCM_16"),
    ],
)
def test_the_ending_says_what_is_written(
    tmp_path: Path, ending: str, container: str, coding: str
) -> None:
    path = tmp_path / f"clip{ending}"
    samples = signals.stereo_band(2.0) * np.float32(0.3)

    write_clip(path, samples, RATE, TAGS)

    about = soundfile.info(str(path))
    assert (about.format, about.subtype) == (container, coding)
    assert (about.frames, about.channels, about.samplerate) == (2 * RATE, 2, RATE)
    read, _ = soundfile.read(path, dtype="float32")
    assert np.sqrt(np.mean((read.T - samples) ** 2)) < 0.3 * samples.std()
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".wav", ".flac", ".ogg"])
def test_tags_come_back(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"clip{ending}"

    write_clip(path, signals.piano(0.5), RATE, TAGS)

    with soundfile.SoundFile(path) as file:
        assert file.title == "a title"
        assert file.artist == "a model"
        assert file.copyright == "CC-BY-NC-4.0"
        assert file.software.startswith("a bot 1.0")
        assert file.comment == "an ä prompt = 🎵\nof two lines (seed 7)"


@pytest.mark.parametrize("ending", [".mp3", ".wav", ".flac", ".ogg"])
def test_peaks_stay_below_the_ceiling(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"clip{ending}"

    write_clip(path, master(signals.band(), RATE), RATE, TAGS)

    assert listen(path.read_bytes()).true_peak_db <= -1


def test_a_long_clip_can_be_ogg(tmp_path: Path) -> None:
    path = tmp_path / "clip.ogg"

    write_clip(path, signals.sine(440, seconds=120), RATE, TAGS)

    assert soundfile.info(str(path)).frames == 120 * RATE


@pytest.mark.parametrize("name", ["clip.aac", "clip", ".mp3", "mp3", "clip.mp3.exe"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRequest, match=r"\.mp3, \.wav, \.flac or \.ogg"):
        write_clip(tmp_path / name, signals.piano(0.5), RATE, TAGS)

    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="cannot be written; please choose another folder"):
        write_clip(tmp_path / "missing" / "clip.wav", signals.piano(0.5), RATE, TAGS)


def test_a_folder_of_that_name_is_told_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    path.mkdir()

    with pytest.raises(AudioError, match="cannot be written"):
        write_clip(path, signals.piano(0.5), RATE, TAGS)

    assert [each.name for each in tmp_path.iterdir()] == ["clip.wav"]
    assert path.is_dir()


@pytest.mark.skipif(os.name == "nt", reason="limits of file sizes are known to POSIX only")
def test_a_disk_that_fills_up_leaves_the_old_file_whole(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "clip.wav"
    path.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(AudioError, match="make room"):
            write_clip(path, signals.piano(1.0), RATE, TAGS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["clip.wav"]


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    path.write_bytes(b"old")

    write_clip(path, signals.piano(0.5), RATE, TAGS)

    assert soundfile.info(str(path)).frames == RATE // 2


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    path, other = tmp_path / "clip.wav", tmp_path / "other"
    other.touch()

    write_clip(path, signals.piano(0.5), RATE, TAGS)

    assert path.stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("lofi beat with warm piano", "lofi-beat-with-warm-piano.mp3"),
        ("  Epic ORCHESTRA, 120 BPM!  ", "epic-orchestra-120-bpm.mp3"),
        ("größe über ñandú", "größe-über-ñandú.mp3"),
        ("暖かいピアノ", "暖かいピアノ.mp3"),
        ("मधुर संगीत", "मधुर-संगीत.mp3"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full-width.mp3"),
        ("../../etc/passwd", "etc-passwd.mp3"),
        ("..\\..\\boot.ini", "boot-ini.mp3"),
        (".hidden", "hidden.mp3"),
        ("CON", "clip-con.mp3"),
        ("com¹", "clip-com1.mp3"),
        ("console", "console.mp3"),
        ("@everyone **bold** `code`", "everyone-bold-code.mp3"),
        ("a\0b\nc\u202ed", "a-b-c-d.mp3"),
        ("1️⃣ beat ❤️", "1-beat.mp3"),
        ("🎵🎹👩‍🎤❤️", "clip.mp3"),
        ("\u0301 \u3164", "clip.mp3"),
        ("...", "clip.mp3"),
        ("", "clip.mp3"),
    ],
)
def test_a_file_is_named_after_its_prompt(prompt: str, name: str) -> None:
    assert file_name(prompt, ".mp3") == unicodedata.normalize("NFKC", name)


def test_a_long_name_ends_with_a_whole_word() -> None:
    name = file_name("slow sad cello " * 20, ".flac")

    assert name == "slow-sad-cello-slow-sad-cello-slow-sad-cello-slow-sad.flac"


def test_a_name_is_cut_only_where_it_must_be() -> None:
    assert file_name("a" * 56, ".mp3") == "a" * 56 + ".mp3"
    assert file_name("a" * 57, ".mp3") == "a" * 56 + ".mp3"
    assert file_name("a" * 50 + " bbbbb", ".mp3") == "a" * 50 + "-bbbbb.mp3"
    assert file_name("a" * 50 + " bbbbb ccc", ".mp3") == "a" * 50 + "-bbbbb.mp3"
    assert file_name("a" * 50 + " bbbbbb", ".mp3") == "a" * 50 + ".mp3"


@pytest.mark.parametrize("seed", range(20))
def test_any_text_gives_a_safe_name(seed: int, tmp_path: Path) -> None:
    points = np.random.default_rng(seed).integers(0, 0x3000, size=100)
    name = file_name("".join(map(chr, points)), ".ogg")

    assert len(name) <= 60
    assert len(name.encode()) <= 255
    assert not set(name) & set('/\\:*?"<>|\0\n')
    assert not name.startswith((".", "-", " "))
    assert Path(name).name == name
    (tmp_path / name).touch()
