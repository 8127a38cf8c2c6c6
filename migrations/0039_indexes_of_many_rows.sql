-- Indexes for owners with millions of recordings, artifacts and windows of words.
--
-- This migration adds indexes only, and replaces one by a larger one that the previous version of the program uses as well. Building
-- them blocks writes of each table meanwhile: seconds for a million assets or artifacts, some minutes for a million windows.
SET LOCAL maintenance_work_mem = '256MB';

-- The listing of one kind of recording: without it, a rare kind is looked for in all recordings of the owner.
CREATE INDEX media_assets_kind_newest ON media_assets (tenant_id, env, kind, created_at DESC, id DESC);

-- Figures count by kind. The rows of a kind share one key, so this index is small: about 7 bytes for each artifact, where
-- `artifacts_stored` has more than 100.
CREATE INDEX artifacts_kind ON artifacts (tenant_id, env, kind);

-- The listing of artifacts of a kind, or of all kinds by merging those of each, over all recordings.
CREATE INDEX artifacts_kind_newest ON artifacts (tenant_id, env, kind, created_at DESC, id DESC);

-- A search returns the newest windows first. Of a phrase of common words, tens of thousands of windows match, and finding the
-- newest of them would read them all. The second column has the thousands of ids: GIN intersects it with the lexemes, so that a
-- search reads only what matches among the newest windows. The first column alone is the index that this one replaces.
CREATE INDEX spoken_windows_search ON spoken_windows USING gin (lexemes, (ARRAY [id / 4096]));
DROP INDEX spoken_windows_lexemes;
