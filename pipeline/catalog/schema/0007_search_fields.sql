-- Full text by field: the passage's own words; its long words backwards, so that a compound is found
-- by its last part; and what is known of the recording. The next run fills the new ones.
CREATE TEMP TABLE kept_words AS SELECT rowid AS id, words FROM chunk_words;
DROP TABLE chunk_words;
CREATE VIRTUAL TABLE chunk_words USING fts5 (
    words, ends, about, tokenize = "unicode61 remove_diacritics 0", detail = full
);
INSERT INTO chunk_words (rowid, words, ends, about) SELECT id, words, '', '' FROM kept_words;
DROP TABLE kept_words;

-- A found passage is read with its neighbours.
DROP INDEX chunks_by_set;
CREATE INDEX chunks_by_set ON chunks (set_id, number);
