FROM python:3.12-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home bot \
    && install --directory --owner=bot /data

WORKDIR /app
ENV PIP_NO_CACHE_DIR=1
# The dependencies change seldom, and so come before the code: editing the code does not
# install them again. Neither is the decoder's step compiled again, unless it was edited.
COPY pyproject.toml build_backend.py README.md LICENSE ./
COPY musicgen_bot/__init__.py musicgen_bot/
RUN pip install . && pip uninstall --yes musicgen-bot
COPY musicgen_bot/engine/native musicgen_bot/engine/native
RUN python musicgen_bot/engine/native/build.py
COPY bot.py ./
COPY musicgen_bot ./musicgen_bot
RUN pip install --no-deps .

USER bot
# The model is kept beside the database, so that one volume holds all there is to keep.
ENV DATA_DIR=/data HF_HOME=/data/models PYTHONUNBUFFERED=1
VOLUME /data
ENTRYPOINT ["musicgen-bot"]
