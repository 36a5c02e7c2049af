-- Human text. A row of one recording has a span; one without a recording replaces a term wherever
-- it stands, in all recordings or (scope: JSON list of ids) in some.
DROP INDEX corrections_by_recording;
DROP TABLE corrections;
CREATE TABLE corrections (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    recording_id TEXT REFERENCES recordings (id) ON DELETE CASCADE,
    start_ms     INTEGER,
    end_ms       INTEGER,
    scope        TEXT,
    was          TEXT NOT NULL,
    now          TEXT NOT NULL,
    who          TEXT NOT NULL,
    made_ms      INTEGER NOT NULL,
    undone_ms    INTEGER,
    CHECK ((recording_id IS NULL) = (start_ms IS NULL) AND (start_ms IS NULL) = (end_ms IS NULL)),
    CHECK (scope IS NULL OR recording_id IS NULL)
) STRICT;
CREATE INDEX corrections_by_recording ON corrections (recording_id, id);

-- Stretches that nobody is to read or hear.
CREATE TABLE withheld (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    recording_id TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    start_ms     INTEGER NOT NULL,
    end_ms       INTEGER NOT NULL,
    who          TEXT NOT NULL,
    made_ms      INTEGER NOT NULL,
    undone_ms    INTEGER
) STRICT;
CREATE INDEX withheld_by_recording ON withheld (recording_id, start_ms);

-- How each correction met the machine's text when it was last laid over it.
CREATE TABLE outcomes (
    correction_id INTEGER NOT NULL REFERENCES corrections (id) ON DELETE CASCADE,
    recording_id  TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    start_ms      INTEGER NOT NULL,
    end_ms        INTEGER NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('applied', 'settled', 'changed')),
    found         TEXT NOT NULL,                         -- the machine's words underneath
    reviewed      INTEGER NOT NULL DEFAULT 0,            -- 1: a person has looked at exactly these
    PRIMARY KEY (correction_id, recording_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX outcomes_by_state ON outcomes (state, reviewed, recording_id);
