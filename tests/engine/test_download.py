"""A model is downloaded with all that belongs to it, and nothing else, from a hub on loopback."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.engine.test_loader import INDEX, split

COMMIT = "0123456789012345678901234567890123456789"
FETCH = """
import sys
from musicgen_bot.engine.model_files import fetch_config, fetch_model, is_cached
from musicgen_bot.errors import ModelError
try:
    fetch_config("someone/mine")
    assert not is_cached("someone/mine")
    folder = fetch_model("someone/mine")
    assert is_cached("someone/mine")
    print(*sorted(path.name for path in folder.iterdir()))
except ModelError as error:
    print(error)
"""


class Hub(SimpleHTTPRequestHandler):
    """Answers for one model as huggingface.co does."""

    def do_GET(self) -> None:
        if not self.path.startswith("/api/models/someone/mine"):
            super().do_GET()
            return
        files = list(Path(self.directory).iterdir())
        answer: object = {
            "id": "someone/mine",
            "sha": COMMIT,
            "siblings": [{"rfilename": path.name} for path in files],
        }
        if "/tree/" in self.path:
            answer = [
                {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": COMMIT}
                for path in files
            ]
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def translate_path(self, path: str) -> str:
        return str(Path(self.directory) / path.rpartition("/")[2])

    def end_headers(self) -> None:
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{abs(hash(self.path)):x}"')
        super().end_headers()

    def log_message(self, *arguments: object) -> None:
        """Write nothing to the terminal."""


@pytest.fixture
def repository(random_checkpoint: Path, tmp_path: Path) -> Path:
    """The files of the model on the hub."""
    return shutil.copytree(random_checkpoint, tmp_path / "repository")


@pytest.fixture
def hub(repository: Path) -> Iterator[str]:
    """The address of the hub."""
    handler = functools.partial(Hub, directory=str(repository))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def fetched(hub: str, folder: Path) -> str:
    """Fetch the model in a process that may use the network, and return what it says."""
    environment = {**os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(folder / "home")}
    del environment["HF_HUB_OFFLINE"]
    result = subprocess.run(
        [sys.executable, "-c", FETCH], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_files_of_any_name_are_downloaded_and_others_are_not(
    repository: Path, hub: str, tmp_path: Path
) -> None:
    split(repository)
    for name in ("pytorch_model.bin", "model.fp16.safetensors", "code.py"):
        (repository / name).write_text("never to be looked at")
    names = fetched(hub, tmp_path).split()
    assert {INDEX, "part-0.safetensors", "part-1.safetensors", "tokenizer.json"} <= set(names)
    assert not {"pytorch_model.bin", "model.fp16.safetensors", "code.py"} & set(names)


@pytest.mark.parametrize("whole", [True, False])
def test_an_adapter_is_told_of_before_weights_are_downloaded(
    repository: Path, hub: str, tmp_path: Path, whole: bool
) -> None:
    (repository / "adapter_config.json").write_text("{}")
    if not whole:
        (repository / "config.json").unlink()
    assert "merge it into its base model" in fetched(hub, tmp_path)
    assert not list((tmp_path / "home").rglob("*.safetensors"))
