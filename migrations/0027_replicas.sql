-- Processes of the service see each other: what workers offer, what api processes promise, and whether all use one store.
--
-- `job_workers` had the kinds of live workers only. The previous version of the program writes rows without the new columns:
-- they count as workers of which nothing else is known.

ALTER TABLE job_workers
    -- 'all', 'api' or 'worker'.
    ADD COLUMN role text,
    -- What a worker can do beside signal analysis, and what an api process promises its callers.
    ADD COLUMN offers text[] NOT NULL DEFAULT '{}',
    -- A blob that the process has written: one that cannot read it has another store.
    ADD COLUMN probe_uri text;
