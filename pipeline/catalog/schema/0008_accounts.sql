-- Who may sign in. Secrets that are random are kept as their sha256 alone, passwords as Argon2id.
CREATE TABLE users (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL,                          -- as it was given
    folded       TEXT NOT NULL UNIQUE,                   -- the same whatever its case
    role         TEXT NOT NULL CHECK (role IN ('member', 'staff', 'admin')),
    organisation TEXT,                                   -- as in visibility
    password     TEXT,                                   -- none before an invitation was used
    language     TEXT,                                   -- of pages: de, en or as the browser asks
    made_ms      INTEGER NOT NULL
) STRICT;

-- One at most for each: a newer one replaces it, and whoever uses it uses it up.
CREATE TABLE invitations (
    user_id    INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    digest     TEXT NOT NULL UNIQUE,
    expires_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    digest     TEXT PRIMARY KEY,
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    made_ms    INTEGER NOT NULL,
    seen_ms    INTEGER NOT NULL,                         -- to the minute
    expires_ms INTEGER NOT NULL                          -- at the latest
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id);

-- How often signing in failed of late. Keys are keyed hashes of names and addresses; the key lies in
-- ``record`` and is in no backup.
CREATE TABLE attempts (
    key          TEXT PRIMARY KEY,
    failures     INTEGER NOT NULL,
    failed_ms    INTEGER NOT NULL,
    succeeded_ms INTEGER
) STRICT, WITHOUT ROWID;
