-- A job is a part of the trace of the call that made it.
--
-- Null for calls without one, and for jobs that the previous version of the program accepts.

ALTER TABLE jobs
    -- The W3C's `traceparent`: a trace and the span in it that the job is a part of.
    ADD COLUMN trace_parent text;
