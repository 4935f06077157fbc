FROM python:3.12-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends ffmpeg g++ \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home bot \
    && install --directory --owner=bot /data

WORKDIR /app
# The dependencies change seldom, and so come before the code: editing the code does not
# install them again.
COPY pyproject.toml README.md LICENSE ./
COPY musicgen_bot/__init__.py musicgen_bot/
RUN pip install --no-cache-dir . && pip uninstall --yes musicgen-bot
COPY bot.py ./
COPY musicgen_bot ./musicgen_bot
RUN pip install --no-cache-dir --no-deps .

USER bot
# The model is kept beside the database, so that one volume holds all there is to keep.
# So is the step of the decoder, which the compiler makes for the processor at hand.
ENV DATA_DIR=/data HF_HOME=/data/models XDG_CACHE_HOME=/data/cache PYTHONUNBUFFERED=1
VOLUME /data
ENTRYPOINT ["musicgen-bot"]
