-- How many chunks each text model has, kept by the same statements that store and delete them: a
-- look at the queue must not walk over a million rows.
CREATE TABLE chunk_counts (
    model_hash TEXT PRIMARY KEY,
    chunks     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO chunk_counts SELECT model_hash, count(*) FROM chunks GROUP BY model_hash;
CREATE TRIGGER chunks_stored AFTER INSERT ON chunks BEGIN
    INSERT INTO chunk_counts VALUES (new.model_hash, 1)
    ON CONFLICT (model_hash) DO UPDATE SET chunks = chunks + 1;
END;
CREATE TRIGGER chunks_deleted AFTER DELETE ON chunks BEGIN
    UPDATE chunk_counts SET chunks = chunks - 1 WHERE model_hash = old.model_hash;
END;
