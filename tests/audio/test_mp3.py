from __future__ import annotations

import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from musicgen_bot.audio.ffmpeg import find_ffmpeg
from musicgen_bot.audio.loudness import master
from musicgen_bot.audio.mp3 import DEFAULT_BITRATE_KBPS, encode_mp3, fit_mp3
from musicgen_bot.audio.tags import Tags
from musicgen_bot.errors import AudioError
from musicgen_bot.generation import Samples
from tests.audio import signals
from tests.audio.judge import decode, listen, read_tags
from tests.audio.signals import RATE
from tests.audio.stand_in import VERSION, install_ffmpeg, needs_a_shell

TAGS = Tags(
    title="lofi beat",
    prompt="lofi beat with warm piano",
    seed=7,
    model="facebook/musicgen-small",
    licence="CC-BY-NC-4.0",
    software="musicgen-bot 0.1.0",
)


def tags_with_prompt(prompt: str) -> Tags:
    return Tags(prompt, prompt, TAGS.seed, TAGS.model, TAGS.licence, TAGS.software)


def as_mp3(samples: Samples, rate: int, tags: Tags, kbps: int = DEFAULT_BITRATE_KBPS) -> bytes:
    return encode_mp3(samples, rate, tags, find_ffmpeg(), kbps)


@pytest.mark.parametrize("length", [5 * RATE, 5 * RATE + 1, 1152 * 30, 31_999, 640])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_decoded_clip_has_exactly_its_length(length: int, channels: int) -> None:
    samples = np.repeat(signals.piano(5.1)[:, :length], channels, axis=0)

    mp3 = as_mp3(samples, RATE, TAGS)

    by_soundfile, rate = soundfile.read(BytesIO(mp3), always_2d=True)
    assert rate == RATE
    assert by_soundfile.shape == (length, channels)
    assert decode(mp3, channels).shape == (channels, length)


def test_the_decoded_clip_is_the_same_sound_at_the_same_place() -> None:
    samples = signals.stereo_band() * np.float32(0.3)

    error = decode(as_mp3(samples, RATE, TAGS), 2) - samples

    assert np.sqrt(np.mean(error**2)) < 0.2 * np.sqrt(np.mean(samples**2))


@pytest.mark.parametrize("bitrate_kbps", [192, 128, 96, 64, 32])
@pytest.mark.parametrize(
    "samples",
    [master(signals.stereo_band(), RATE), signals.square(220)],
    ids=["mastered music", "square at full scale"],
)
def test_peaks_of_the_decoded_clip_stay_below_the_ceiling(
    samples: Samples, bitrate_kbps: int
) -> None:
    mp3 = as_mp3(samples, RATE, TAGS, bitrate_kbps)

    assert listen(mp3).true_peak_db <= -1


def test_mastered_music_is_still_about_as_loud_as_mp3() -> None:
    mp3 = as_mp3(master(signals.stereo_band(), RATE), RATE, TAGS)

    assert listen(mp3).lufs == pytest.approx(-14, abs=0.8)


def test_tags_come_back() -> None:
    tags = read_tags(as_mp3(signals.piano(1), RATE, TAGS))

    tags.pop("encoder")
    assert tags == {
        "title": "lofi beat",
        "artist": "facebook/musicgen-small",
        "copyright": "CC-BY-NC-4.0",
        "encoded_by": "musicgen-bot 0.1.0",
        "comment": "lofi beat with warm piano (seed 7)",
        "prompt": "lofi beat with warm piano",
        "seed": "7",
        "model": "facebook/musicgen-small",
    }


def test_tags_are_id3v2_frames_that_players_show() -> None:
    mp3 = as_mp3(signals.piano(1), RATE, TAGS)

    assert mp3.startswith(b"ID3\x03")
    assert b"TIT2\0\0\0\x0b\0\0\0lofi beat\0" in mp3
    for frame in (b"TPE1", b"TCOP", b"TENC", b"TXXX"):
        assert frame in mp3


@pytest.mark.parametrize(
    "prompt",
    [
        "two\nlines\r\nand a\ttab",
        "a=b;c=d # e \\ f \\n",
        "-y",
        "-i /etc/passwd -f null",
        "title=evil\n[CHAPTER]\nSTART=0",
        "\"quoted\" 'single' `id` $(id) ${PATH} %s %d | > <",
        "дождь 雨 🎹👩‍🎤 \u202eright to left",
        "🎵" * 500,
        " ",
    ],
)
def test_a_nasty_prompt_is_only_text(prompt: str) -> None:
    tags = read_tags(as_mp3(signals.piano(0.5), RATE, tags_with_prompt(prompt)))

    assert tags["prompt"] == prompt
    assert tags["title"] == prompt
    assert tags["seed"] == "7"


def test_what_no_tag_can_hold_is_replaced() -> None:
    tags = read_tags(as_mp3(signals.piano(0.5), RATE, tags_with_prompt("a\0b\ud800c")))

    assert tags["prompt"] == "a b?c"


def test_the_bit_rate_is_constant_and_what_was_asked_for() -> None:
    for bitrate_kbps in (32, 64, 192):
        mp3 = as_mp3(signals.band(), RATE, TAGS, bitrate_kbps)
        assert len(mp3) == pytest.approx(5 * bitrate_kbps * 125, rel=0.06)


def test_fit_takes_the_best_bit_rate_that_fits() -> None:
    samples = signals.band()
    whole, half = (len(as_mp3(samples, RATE, TAGS, kbps)) for kbps in (192, 96))

    assert len(fit_mp3(samples, RATE, TAGS, find_ffmpeg(), whole)) == whole
    assert half < len(fit_mp3(samples, RATE, TAGS, find_ffmpeg(), whole - 1)) < whole
    assert len(fit_mp3(samples, RATE, TAGS, find_ffmpeg(), half)) == half


def test_what_cannot_fit_is_told() -> None:
    with pytest.raises(AudioError, match=r"larger than the 0 MiB.*shorter"):
        fit_mp3(signals.band(), RATE, TAGS, find_ffmpeg(), 20_000)


@needs_a_shell
@pytest.mark.parametrize(
    "script",
    [
        f'if [ "$1" = -version ]; then echo {VERSION}; else echo No space left >&2; exit 1; fi',
        f'if [ "$1" = -version ]; then echo {VERSION}; else rm "$0"; exit 1; fi',
    ],
    ids=["fails", "is uninstalled meanwhile"],
)
def test_an_ffmpeg_that_dies_is_told_and_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    programs, temporary = tmp_path / "bin", tmp_path / "tmp"
    programs.mkdir()
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    install_ffmpeg(programs, monkeypatch, f"PATH=/usr/bin:/bin\n{script}")

    with pytest.raises(AudioError, match="free disk space"):
        as_mp3(signals.piano(0.5), RATE, TAGS)

    assert not list(temporary.iterdir())


@needs_a_shell
def test_an_ffmpeg_that_writes_nonsense_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install_ffmpeg(tmp_path, monkeypatch, f"echo {VERSION}")

    with pytest.raises(AudioError, match="damaged"):
        as_mp3(signals.piano(0.5), RATE, TAGS)


def test_success_leaves_no_temporary_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    as_mp3(signals.piano(0.5), RATE, TAGS)

    assert not list(tmp_path.iterdir())


def test_the_ffmpeg_that_other_users_of_pydub_get_stays_the_same() -> None:
    as_mp3(signals.piano(0.5), RATE, TAGS)
    from pydub import AudioSegment

    assert AudioSegment.converter != imageio_ffmpeg.get_ffmpeg_exe()


def test_it_works_in_a_bare_environment_without_a_warning(tmp_path: Path) -> None:
    """No PATH and an ASCII locale, as a service manager may start the bot."""
    mp3 = tmp_path / "clip.mp3"
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from musicgen_bot.audio.ffmpeg import find_ffmpeg\n"
        "from musicgen_bot.audio.mp3 import encode_mp3\n"
        "from musicgen_bot.audio.tags import Tags\n"
        "tags = Tags('\\U0001f3b5 \\xe4', 'p', 1, 'm', 'l', 's')\n"
        "noise = np.random.default_rng(0).uniform(-0.1, 0.1, (1, 8000)).astype(np.float32)\n"
        "Path(sys.argv[1]).write_bytes(encode_mp3(noise, 32000, tags, find_ffmpeg()))\n"
    )
    result = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-W", "default", "-c", program, str(mp3)],
        env={"PATH": "", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert read_tags(mp3.read_bytes())["title"] == "🎵 ä"
