-- What tells whether the file behind a `file://` asset was written since its bytes were hashed: the time of its last change
-- (nanoseconds since 1970) and its inode. Where they differ from those of the file, the bytes are hashed again before they
-- are used. Rows of before, and those that the previous version of the program still inserts, have none: of them only the
-- size is compared. The smallest time marks a file that had changed so recently that a later change could
-- have the same time.
ALTER TABLE media_assets
    ADD COLUMN source_modified_ns bigint,
    ADD COLUMN source_inode       bigint,
    ADD CONSTRAINT media_assets_source_marks CHECK ((source_modified_ns IS NULL) = (source_inode IS NULL));
