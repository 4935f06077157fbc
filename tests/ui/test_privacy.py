"""What is kept about a person fits into one file."""

import gzip
import json

from musicgen_bot.ui.privacy import data_file


def test_the_file_is_json_and_packed_where_it_would_be_too_large() -> None:
    data = {"clips": [{"prompt": "slow räin"}] * 1000}
    plain = data_file(data, 10**6)
    assert plain.filename == "my-data.json"
    assert json.loads(plain.fp.read()) == data
    packed = data_file(data, 10**4)
    assert packed.filename == "my-data.json.gz"
    content = packed.fp.read()
    assert len(content) < 10**4
    assert json.loads(gzip.decompress(content)) == data
