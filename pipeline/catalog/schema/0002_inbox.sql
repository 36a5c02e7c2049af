-- What lies in the inbox, as the last scan saw it. What is gone from the inbox is gone from here.
CREATE TABLE inbox (
    path         TEXT PRIMARY KEY,                       -- the media file, or what lies there alone
    stamp        TEXT NOT NULL,                          -- JSON [[name, size, mtime_ns], ...], it and its side files
    since_ms     INTEGER NOT NULL,                       -- since when it has looked like this
    failure      TEXT,                                   -- JSON of a Failure: why it cannot be taken
    recording_id TEXT REFERENCES recordings (id) ON DELETE CASCADE   -- taken, and still lying there
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_by_recording ON inbox (recording_id);
