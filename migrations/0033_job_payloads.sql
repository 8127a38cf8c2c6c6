-- Jobs: versions of their requests, and the last ticket of a tenant's queued jobs.
--
-- A worker leaves a job whose request it would read wrongly to workers of a later version. The previous version of the
-- program runs beside this one: the requests that it stores have version 0.

ALTER TABLE jobs
    -- Version of the form of `body`, counted for each kind.
    ADD COLUMN payload_version integer NOT NULL DEFAULT 0;

-- When a queued job is cancelled, its tenant's turn goes back to the last ticket of those that still wait; the index
-- finds it without reading them all. It begins as `jobs_waiting_of_tenant` did, which counts a tenant's queued jobs.
CREATE INDEX jobs_waiting_of_turn ON jobs (tenant_id, lane, priority, ticket) WHERE state = 'queued';
DROP INDEX jobs_waiting_of_tenant;
