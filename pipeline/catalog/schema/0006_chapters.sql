-- What a recording is about, stretch by stretch. Titles are words of the text as it is read.
CREATE TABLE chapters (
    recording_id TEXT NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    number       INTEGER NOT NULL,
    start_ms     INTEGER NOT NULL,
    end_ms       INTEGER NOT NULL,
    title        TEXT NOT NULL,
    PRIMARY KEY (recording_id, number)
) STRICT, WITHOUT ROWID;
