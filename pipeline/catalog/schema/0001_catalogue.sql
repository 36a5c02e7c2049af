-- The catalogue: the only truth. Times are integer milliseconds; *_ms columns that name a moment
-- count from the Unix epoch, all others from the start of the recording.

CREATE TABLE recordings (
    id              TEXT PRIMARY KEY CHECK (length(id) = 12),
    title           TEXT NOT NULL,
    language        TEXT NOT NULL,                       -- as set: de, en or auto
    collection      TEXT,
    recorded        TEXT,                                -- ISO date as given
    priority        INTEGER NOT NULL DEFAULT 0,          -- higher is sooner
    added_ms        INTEGER NOT NULL,
    duration_ms     INTEGER,
    spoken_language TEXT,                                -- as heard or as the transcript says
    imported        INTEGER NOT NULL DEFAULT 0,          -- 1: the transcript came from a file
    media_path      TEXT,
    media_size      INTEGER,
    media_mtime_ns  INTEGER,
    media_track     INTEGER,
    media_copied    INTEGER NOT NULL DEFAULT 0,          -- 1: the copy under the home directory
    state           TEXT NOT NULL DEFAULT 'queued'
                    CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    stage           TEXT,
    progress        REAL NOT NULL DEFAULT 0,
    attempts        INTEGER NOT NULL DEFAULT 0,
    not_before_ms   INTEGER NOT NULL DEFAULT 0,
    failure         TEXT,                                -- JSON of a Failure, no transcript text
    warning         TEXT,                                -- JSON of a Failure that did not stop it
    cancel_asked    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX recordings_by_turn ON recordings (state, priority DESC, added_ms, id);

CREATE TABLE people (
    recording_id TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    position     INTEGER NOT NULL,
    name         TEXT NOT NULL,
    PRIMARY KEY (recording_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE visibility (                                -- members, staff, or an organisation
    recording_id TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    audience     TEXT NOT NULL,
    PRIMARY KEY (recording_id, audience)
) STRICT, WITHOUT ROWID;

-- Who works on what. A commit needs the current lease.
CREATE TABLE leases (
    recording_id TEXT PRIMARY KEY REFERENCES recordings (id) ON DELETE CASCADE,
    owner        TEXT NOT NULL,
    until_ms     INTEGER NOT NULL
) STRICT;

-- What each stage made, and from what.
CREATE TABLE results (
    recording_id TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    stage        TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    digest       TEXT NOT NULL,                          -- of the result's content
    made_ms      INTEGER NOT NULL,
    took_ms      INTEGER NOT NULL,
    ran          TEXT NOT NULL DEFAULT '{}',             -- what actually ran, for the record
    PRIMARY KEY (recording_id, stage)
) STRICT, WITHOUT ROWID;

-- Recognised windows of a recording still in work: what a killed run resumes from.
CREATE TABLE windows (
    recording_id TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    fingerprint  TEXT NOT NULL,
    start_ms     INTEGER NOT NULL,
    end_ms       INTEGER NOT NULL,
    transcript   TEXT NOT NULL,
    PRIMARY KEY (recording_id, number)
) STRICT;

CREATE TABLE transcripts (
    recording_id TEXT PRIMARY KEY REFERENCES recordings (id) ON DELETE CASCADE,
    language     TEXT,
    duration_ms  INTEGER NOT NULL,
    model_name   TEXT,
    model_hash   TEXT,
    gaps         TEXT NOT NULL DEFAULT '[]'              -- JSON [[start_ms, end_ms], ...]
) STRICT;

CREATE TABLE segments (
    recording_id TEXT NOT NULL REFERENCES transcripts (recording_id) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    start_ms     INTEGER NOT NULL,
    end_ms       INTEGER NOT NULL,
    text         TEXT NOT NULL,
    language     TEXT,
    speaker      TEXT,
    confidence   REAL,
    corrected    INTEGER NOT NULL DEFAULT 0,
    words        TEXT NOT NULL DEFAULT '[]',             -- JSON [[start_ms, end_ms, text, confidence], ...]
    PRIMARY KEY (recording_id, number)
) STRICT;

-- Human text, overlaid by time, never by segment number.
CREATE TABLE corrections (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    recording_id TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    start_ms     INTEGER NOT NULL,
    end_ms       INTEGER NOT NULL,
    was          TEXT NOT NULL,
    now          TEXT NOT NULL,
    who          TEXT NOT NULL,
    made_ms      INTEGER NOT NULL,
    undone_ms    INTEGER
) STRICT;
CREATE INDEX corrections_by_recording ON corrections (recording_id, start_ms);

-- The chunks of one recording for one text model. While the text model changes a recording has
-- two sets; only the published model's is searched.
CREATE TABLE chunk_sets (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    recording_id TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    model_hash   TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    made_ms      INTEGER NOT NULL,
    UNIQUE (recording_id, model_hash)
) STRICT;

CREATE TABLE chunks (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,     -- also the vector's id; never reused
    set_id        INTEGER NOT NULL REFERENCES chunk_sets (id) ON DELETE CASCADE,
    recording_id  TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    model_hash    TEXT NOT NULL,
    number        INTEGER NOT NULL,
    start_ms      INTEGER NOT NULL,
    end_ms        INTEGER NOT NULL,
    text          TEXT NOT NULL,
    language      TEXT,
    sentences     TEXT NOT NULL,                         -- JSON [[start_ms, end_ms, begin, end, speaker], ...]
    first_segment INTEGER NOT NULL,
    last_segment  INTEGER NOT NULL,
    first_word    INTEGER,
    last_word     INTEGER,
    encoded       TEXT NOT NULL                          -- sha256 of the exact string that was embedded
) STRICT;
CREATE INDEX chunks_by_set ON chunks (set_id);
CREATE INDEX chunks_by_recording ON chunks (recording_id, start_ms);
CREATE INDEX chunks_by_model ON chunks (model_hash, id);
CREATE INDEX chunks_by_encoded ON chunks (encoded, model_hash);

CREATE TABLE vectors (
    encoded    TEXT NOT NULL,
    model_hash TEXT NOT NULL,
    vector     BLOB NOT NULL,                            -- float16, little-endian, L2-normalised
    PRIMARY KEY (encoded, model_hash)
) STRICT, WITHOUT ROWID;

-- Full text over analysed words (folded, stemmed); rowid = chunks.id.
CREATE VIRTUAL TABLE chunk_words USING fts5 (
    words, tokenize = "unicode61 remove_diacritics 0", detail = full
);

CREATE TABLE generations (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    model_name   TEXT NOT NULL,
    model_hash   TEXT NOT NULL,
    dimension    INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    chunks       INTEGER NOT NULL,
    newest_chunk INTEGER NOT NULL,                       -- chunks with a larger id are searched directly
    sha256       TEXT NOT NULL,
    made_ms      INTEGER NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('published', 'previous', 'retired'))
) STRICT;

-- Settings of record: what the published index was made with.
CREATE TABLE record (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
