-- Recordings whose time is nearly up. Days are ISO dates. None goes before it was on this list for
-- long enough, nor before the day that was announced.
CREATE TABLE leaving (
    recording_id TEXT PRIMARY KEY REFERENCES recordings (id) ON DELETE CASCADE,
    collection   TEXT,                                   -- as it was put on the list: with another
    counted_from TEXT NOT NULL,                          -- collection or day it comes off
    goes         TEXT NOT NULL,                          -- the day that was announced
    warned       TEXT NOT NULL,                          -- since when it is on the list
    days         INTEGER NOT NULL,                       -- on the list, as nights have counted them
    looked       TEXT NOT NULL                           -- the last night that did
) STRICT, WITHOUT ROWID;
