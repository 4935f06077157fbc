"""Files from strangers: music in every usual format is read, everything else is refused soon."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import wave
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile

from musicgen_bot.audio import confined
from musicgen_bot.audio.ffmpeg import find_ffmpeg
from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.audio.upload import UploadReader
from musicgen_bot.errors import InvalidRequest
from musicgen_bot.generation import Samples
from tests.audio.judge import wav
from tests.audio.signals import RATE, sine

NO_SOUND = "cannot read this as an audio file"


def ffmpeg(*arguments: str, stdin: bytes = b"") -> bytes:
    """Return the file `out` that ffmpeg writes; some formats can only be written to a file."""
    path = find_ffmpeg().path
    with tempfile.TemporaryDirectory() as folder:
        command = [str(path), "-v", "error", *arguments, "out"]
        subprocess.run(command, input=stdin, cwd=folder, check=True, timeout=60)
        return (Path(folder) / "out").read_bytes()


def encoded(samples: Samples, *arguments: str) -> bytes:
    return ffmpeg("-i", "pipe:0", *arguments, stdin=wav(samples))


@pytest.fixture(scope="module")
def tune() -> Samples:
    """Three seconds of one note, two of another."""
    return np.concatenate([sine(440, 3.0), sine(880, 2.0)], axis=1)


def pitch(samples: Samples) -> float:
    """Return the strongest frequency, in hertz."""
    return float(np.abs(np.fft.rfft(samples)).argmax() * RATE / len(samples))


async def read(file: bytes, seconds: float = 10.0, channels: int = 1) -> Samples:
    pool = SoundPool()
    try:
        return await UploadReader(find_ffmpeg(), pool).read(file, RATE, channels, seconds)
    finally:
        pool.close()


async def refused(file: bytes, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence) as told:
        await read(file)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "arguments",
    [
        ("-f", "mp3"),
        ("-f", "wav"),
        ("-f", "flac"),
        ("-f", "ogg", "-c:a", "libvorbis"),
        ("-f", "ogg", "-c:a", "libopus"),
        ("-f", "mp4", "-c:a", "aac"),
        ("-f", "mov", "-c:a", "alac"),
        ("-f", "adts", "-c:a", "aac"),
        ("-f", "webm", "-c:a", "libopus"),
        ("-f", "aiff"),
        ("-f", "asf", "-c:a", "wmav2"),
        ("-f", "caf"),
        ("-f", "w64"),
        ("-f", "au"),
        ("-f", "tta"),
        ("-f", "wv"),
        ("-f", "ac3"),
        ("-f", "eac3"),
        ("-f", "dts", "-c:a", "dca", "-strict", "-2", "-ar", "48000"),
        ("-f", "matroska", "-c:a", "pcm_s24le"),
        ("-f", "flac", "-ar", "96000", "-ac", "6"),
        ("-f", "wav", "-ar", "8000", "-c:a", "pcm_u8"),
    ],
    ids=" ".join,
)
async def test_the_last_seconds_of_any_usual_file_are_read(
    tune: Samples, arguments: tuple[str, ...]
) -> None:
    samples = await read(encoded(tune, *arguments), 1.5)
    assert samples.shape == (1, round(1.5 * RATE))
    assert samples.dtype == np.float32
    assert pitch(samples[0]) == pytest.approx(880, abs=2)


async def test_a_short_file_is_read_whole(tune: Samples) -> None:
    samples = await read(wav(tune))
    np.testing.assert_allclose(samples, tune, atol=1e-4)


async def test_stereo_is_mixed_without_clipping_and_kept_where_it_is_wanted() -> None:
    file = wav(np.concatenate([sine(440, amplitude=0.9)] * 2))
    (mono,) = await read(file)
    assert np.abs(mono).max() == pytest.approx(0.9, abs=0.01)
    left_only = np.concatenate([sine(440), 0 * sine(440)])
    left, right = await read(wav(left_only), channels=2)
    assert pitch(left) == pytest.approx(440, abs=2)
    assert np.abs(right).max() == 0


async def test_channels_that_cancel_each_other_are_not_mixed() -> None:
    left = sine(440, amplitude=0.5)
    (opposite,) = await read(wav(np.concatenate([0.8 * left, -left])))
    np.testing.assert_allclose(opposite, -left[0], atol=1e-3)
    (mixed,) = await read(wav(np.concatenate([left, 0 * left])))
    np.testing.assert_allclose(mixed, left[0] / 2, atol=1e-3)


async def test_one_channel_is_as_loud_on_both_sides() -> None:
    sound = sine(440, amplitude=0.5)
    left, right = await read(wav(sound), channels=2)
    np.testing.assert_allclose(left, sound[0], atol=1e-3)
    np.testing.assert_allclose(right, sound[0], atol=1e-3)


async def test_what_is_over_full_scale_is_turned_down_and_not_clipped() -> None:
    sound = sine(440, amplitude=0.5)
    (read_back,) = await read(wav(8 * sound))
    np.testing.assert_allclose(read_back, 2 * sound[0], atol=1e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channels", [1, 2])
async def test_what_is_no_number_is_told(value: float, channels: int) -> None:
    sound = np.repeat(sine(440), channels, axis=0)
    sound[-1, -5000] = value
    await refused(wav(sound), "values that are no sound")


async def test_the_cover_of_an_album_is_no_video(tune: Samples) -> None:
    cover = ("-f", "lavfi", "-i", "color=red:size=64x64:duration=0.04")
    picture = (*cover, "-map", "0", "-map", "1", "-disposition:v", "attached_pic")
    file = encoded(tune, *picture, "-c:v", "mjpeg", "-f", "mp3")
    assert (await read(file)).shape[1] > 4.9 * RATE


@pytest.mark.parametrize("form", ["mp4", "mov", "matroska", "asf"])
async def test_a_cover_that_is_a_video_of_one_picture_is_no_video(tune: Samples, form: str) -> None:
    cover = ("-f", "lavfi", "-i", "color=red:size=600x600:duration=0.04", "-map", "0", "-map", "1")
    file = encoded(tune, *cover, "-c:v", "mjpeg", "-c:a", "aac", "-f", form)
    assert (await read(file)).shape[1] > 4.9 * RATE


COVER_BOMB = """
import asyncio, resource, sys
from musicgen_bot.audio.ffmpeg import find_ffmpeg
from musicgen_bot.audio.pool import SoundPool
from musicgen_bot.audio.upload import UploadReader
reader = UploadReader(find_ffmpeg(), SoundPool())
samples = asyncio.run(reader.read(sys.stdin.buffer.read(), 32000, 1, 10.0))
print(samples.shape[1], resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory is counted otherwise")
def test_a_cover_of_64_megapixels_is_not_looked_at(tune: Samples) -> None:
    cover = ("-f", "lavfi", "-i", "color=red:size=8000x8000:rate=1:duration=1", "-map", "0")
    picture = ("-map", "1", "-disposition:v", "attached_pic", "-c:v", "png")
    file = encoded(tune, *cover, *picture, "-f", "mp3")
    assert len(file) < 2**20
    answer = subprocess.run(
        [sys.executable, "-c", COVER_BOMB], input=file, capture_output=True, check=True, timeout=60
    )
    samples, most_bytes = map(int, answer.stdout.split())
    assert samples > 4.9 * RATE
    assert most_bytes < 2 * 8000 * 8000


@pytest.mark.parametrize("sound", [("-map", "0:a", "-c:a", "aac"), ()], ids=["sound", "silent"])
@pytest.mark.parametrize(
    ("form", "codec"),
    [("mp4", "mpeg4"), ("mp4", "libx264"), ("matroska", "mpeg4"), ("asf", "wmv2")],
)
async def test_a_video_is_refused_with_and_without_its_sound(
    tune: Samples, form: str, codec: str, sound: tuple[str, ...]
) -> None:
    pictures = ("-f", "lavfi", "-i", "testsrc=size=64x64:duration=2", "-c:v", codec)
    file = encoded(tune, *pictures, "-map", "1:v", *sound, "-f", form)
    await refused(file, "This is a video; please upload only its sound")


@pytest.mark.parametrize(
    "file",
    [
        b"",
        bytes(100_000),
        np.random.default_rng(0).bytes(500_000),
        b"RIFF\xff\xff\xff\xffWAVEfmt ",
        b"#!/bin/sh\nreboot\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b";FFMETADATA1\ntitle=x\n",
        b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'></MPD>",
    ],
    ids=["empty", "zeros", "noise", "cut", "script", "sdp", "concat", "metadata", "dash"],
)
async def test_what_is_no_sound_is_refused(file: bytes) -> None:
    await refused(file, NO_SOUND)


async def test_a_picture_is_refused() -> None:
    picture = ffmpeg("-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", "1", "-f", "apng")
    await refused(picture, NO_SOUND)


ID3 = b"ID3\x03\x00\x00\x00\x00\x00\x0aTIT2\x00\x00\x00\x00\x00\x00"
"""The start of an MP3: tags of 10 bytes, which every format may have before it."""
DASH = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT5S">
<Period><AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1000">
<BaseURL>{}</BaseURL><SegmentBase/></Representation></AdaptationSet></Period></MPD>
"""


async def test_a_playlist_opens_nothing(tune: Samples, tmp_path: Path) -> None:
    asked = 0

    async def serve(viewer: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.close()

    song = tmp_path / "song.wav"
    song.write_bytes(wav(tune))
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        http = f"http://127.0.0.1:{port}/song.ts"
        for address in (http, f"file://{song}", str(song), "/etc/passwd"):
            hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{address}\n#EXT-X-ENDLIST\n"
            await refused(hls.encode(), NO_SOUND)
            await refused(ID3 + hls.encode(), NO_SOUND)
            await refused(f"ffconcat version 1.0\nfile '{address}'\n".encode(), NO_SOUND)
            await refused(f"[playlist]\nFile1={address}\n".encode(), NO_SOUND)
            await refused(DASH.format(address).encode(), NO_SOUND)
    assert asked == 0


async def test_a_header_that_promises_more_than_there_is_gets_what_there_is(tune: Samples) -> None:
    file = bytearray(encoded(tune, "-f", "wav", "-bitexact"))
    file[4:8] = file[40:44] = (2**32 - 1).to_bytes(4, "little")
    assert (await read(bytes(file))).shape[1] == tune.shape[1]


@pytest.mark.parametrize("hertz", [1, 2**31 - 1])
@pytest.mark.parametrize("channels", [1, 64, 65535])
async def test_a_header_that_lies_about_the_sound_does_no_harm(hertz: int, channels: int) -> None:
    memory = BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.random.default_rng(0).bytes(10_000))
    lying = bytearray(memory.getvalue())
    lying[22:24] = channels.to_bytes(2, "little")
    lying[24:28] = hertz.to_bytes(4, "little")
    with pytest.raises(InvalidRequest):
        await read(bytes(lying))


@pytest.mark.parametrize(
    ("codec", "rate", "seconds"), [("flac", 8000, 3600), ("libopus", 48000, 660)]
)
async def test_too_long_in_a_small_file_is_refused(codec: str, rate: int, seconds: int) -> None:
    silence = ("-f", "lavfi", "-i", f"anullsrc=r={rate}:cl=mono", "-t", str(seconds), "-c:a", codec)
    file = ffmpeg(*silence, "-compression_level", "0", "-f", "ogg")
    assert len(file) < 2**22
    await refused(file, "longer than 10 minutes")


@pytest.mark.parametrize(("rate", "channels"), [(655_350, 8), (192_000, 8), (655_350, 2)])
async def test_more_samples_a_second_than_music_has_are_not_decoded(
    rate: int, channels: int, tmp_path: Path
) -> None:
    file = tmp_path / "file.flac"
    soundfile.write(file, np.zeros((rate, channels)), rate)
    await refused(file.read_bytes(), "shorter or simpler")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
async def test_a_file_that_takes_too_much_of_a_processor_is_told(
    tune: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = encoded(np.tile(tune, 100), "-f", "flac", "-ac", "8", "-ar", "96000")
    assert (await read(file, 1.0)).shape == (1, RATE)
    monkeypatch.setattr(confined, "PROCESSOR_SECONDS", 0)
    await refused(file, "shorter or simpler")


async def test_a_damaged_end_does_not_spoil_what_comes_before(tune: Samples) -> None:
    file = encoded(tune, "-f", "mp3")
    samples = await read(file[:-5000] + np.random.default_rng(0).bytes(5000))
    assert samples.shape[1] > 3 * RATE


async def test_an_mp4_whose_index_is_missing_is_refused(tune: Samples) -> None:
    file = encoded(tune, "-f", "mp4", "-c:a", "aac")
    await refused(file[: len(file) // 2], NO_SOUND)


async def test_too_little_and_too_quiet_is_told() -> None:
    await refused(wav(sine(440, 0.5)), "at least 1 second")
    await refused(wav(sine(440, 5.0, amplitude=1e-5)), "silent")
