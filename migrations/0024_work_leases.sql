-- Leases of identical work: who does it, and until when without a sign of life.
--
-- Session-level advisory locks did this before. They end with their connection, so a process that hangs kept them for as
-- long as its TCP connection lived. A lease ends by itself, and needs no connection of its own.
--
-- The previous version of the program runs beside this one and takes its advisory locks: the same work may then be done by
-- both, and its result is kept once, by its key.

CREATE TABLE work_leases (
    name text PRIMARY KEY,
    -- Tells holders apart.
    holder text NOT NULL,
    expires_at timestamptz NOT NULL
);
