"""The database's schema, as the steps that lead to it.

A file's `user_version` counts the steps it has taken. Steps are only ever added at the end: one
that has been released is never changed.
"""

MIGRATIONS = (
    """
    CREATE TABLE jobs (
        id            INTEGER PRIMARY KEY AUTOINCREMENT,
        state         TEXT NOT NULL,
        created_at    REAL NOT NULL,
        finished_at   REAL,
        prompt        TEXT NOT NULL,
        seconds       REAL NOT NULL,
        seed          INTEGER NOT NULL,
        guidance      REAL NOT NULL,
        temperature   REAL NOT NULL,
        top_k         INTEGER NOT NULL,
        continue_from BLOB,
        user_id       INTEGER NOT NULL,
        guild_id      INTEGER,
        channel_id    INTEGER NOT NULL,
        message_id    INTEGER,
        token         TEXT NOT NULL
    ) STRICT;
    CREATE INDEX jobs_by_state ON jobs (state);
    CREATE INDEX jobs_by_user ON jobs (user_id, created_at);

    CREATE TABLE clips (
        job_id INTEGER PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
        model  TEXT NOT NULL,
        codes  BLOB NOT NULL
    ) STRICT;

    CREATE TABLE notes (
        name  TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
    """,
    """
    ALTER TABLE jobs ADD COLUMN given_back INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX IF NOT EXISTS jobs_by_guild ON jobs (guild_id, created_at);

    CREATE TABLE guild_settings (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        guild_id INTEGER NOT NULL,
        user_id  INTEGER NOT NULL,
        at       REAL NOT NULL,
        settings TEXT NOT NULL
    ) STRICT;
    CREATE INDEX guild_settings_by_guild ON guild_settings (guild_id, id);

    CREATE TABLE blocks (
        guild_id   INTEGER NOT NULL,
        user_id    INTEGER NOT NULL,
        by_user_id INTEGER NOT NULL,
        at         REAL NOT NULL,
        PRIMARY KEY (guild_id, user_id)
    ) STRICT, WITHOUT ROWID;
    """,
)
