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
    ALTER TABLE jobs ADD COLUMN variations INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE jobs ADD COLUMN style TEXT NOT NULL DEFAULT '';
    ALTER TABLE jobs ADD COLUMN typed TEXT NOT NULL DEFAULT '';
    ALTER TABLE jobs ADD COLUMN made_in REAL;
    CREATE INDEX jobs_by_guild ON jobs (guild_id, id);

    CREATE TABLE clips_by_variation (
        job_id    INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        variation INTEGER NOT NULL,
        model     TEXT NOT NULL,
        codes     BLOB NOT NULL,
        PRIMARY KEY (job_id, variation)
    ) STRICT;
    INSERT INTO clips_by_variation SELECT job_id, 1, model, codes FROM clips;
    DROP TABLE clips;
    ALTER TABLE clips_by_variation RENAME TO clips;

    CREATE TABLE favourites (
        user_id   INTEGER NOT NULL,
        job_id    INTEGER NOT NULL,
        variation INTEGER NOT NULL,
        added_at  REAL NOT NULL,
        PRIMARY KEY (user_id, job_id, variation),
        FOREIGN KEY (job_id, variation) REFERENCES clips ON DELETE CASCADE
    ) STRICT;
    CREATE INDEX favourites_by_clip ON favourites (job_id, variation);
    """,
    """
    ALTER TABLE jobs ADD COLUMN given_back INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX jobs_by_guild_and_time ON jobs (guild_id, created_at);

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
    "ALTER TABLE jobs ADD COLUMN given_seconds REAL NOT NULL DEFAULT 0;",
    "ALTER TABLE jobs ADD COLUMN uploaded INTEGER NOT NULL DEFAULT 0;",
    "ALTER TABLE jobs ADD COLUMN locale TEXT NOT NULL DEFAULT 'en-US';",
    """
    CREATE TABLE host_blocks (
        kind       TEXT NOT NULL,
        id         INTEGER NOT NULL,
        by_user_id INTEGER NOT NULL,
        at         REAL NOT NULL,
        PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;
    """,
    "ALTER TABLE jobs ADD COLUMN seeds TEXT NOT NULL DEFAULT '[]';",
    "ALTER TABLE jobs ADD COLUMN model TEXT NOT NULL DEFAULT '';",
    "ALTER TABLE jobs ADD COLUMN parent_id INTEGER;",
    """
    ALTER TABLE jobs ADD COLUMN seed_chosen INTEGER NOT NULL DEFAULT 0;
    UPDATE jobs SET seed_chosen = 1, seeds = (
        WITH RECURSIVE numbers (n) AS (
            SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < variations
        )
        SELECT json_group_array((seed + n) % 4294967296) FROM numbers
    ) WHERE seeds = '[]' AND state != 'deleted';
    ALTER TABLE jobs DROP COLUMN seed;
    """,
    "ALTER TABLE jobs ADD COLUMN interaction_id INTEGER;",
    """
    ALTER TABLE jobs ADD COLUMN accepted_at REAL NOT NULL DEFAULT 0;
    UPDATE jobs SET accepted_at = created_at;
    DROP INDEX jobs_by_user;
    DROP INDEX jobs_by_guild_and_time;
    CREATE INDEX jobs_by_user ON jobs (user_id, accepted_at);
    CREATE INDEX jobs_by_guild_and_time ON jobs (guild_id, accepted_at);
    """,
)
