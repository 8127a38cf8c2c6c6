-- Jobs: the last ticket of a tenant's queued jobs.
--
-- When a queued job is cancelled, its tenant's turn goes back to the last ticket of those that still wait; the index
-- finds it without reading them all. It begins as `jobs_waiting_of_tenant` did, which counts a tenant's queued jobs.

CREATE INDEX jobs_waiting_of_turn ON jobs (tenant_id, lane, priority, ticket) WHERE state = 'queued';
DROP INDEX jobs_waiting_of_tenant;
