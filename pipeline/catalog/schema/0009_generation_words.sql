-- A generation of many passages has a file of its words, and what its vectors are found with.
ALTER TABLE generations ADD COLUMN words_sha256 TEXT;
ALTER TABLE generations ADD COLUMN recall REAL;
