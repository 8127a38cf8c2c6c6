-- Jobs: the `Location` of their answers.
--
-- An asset that is fetched by a job is answered with 201, as an upload is: the answer names its path. The previous version
-- of the program runs beside this one: it writes results without a location, and leaves jobs of this kind to workers of
-- this version.

ALTER TABLE job_results
    -- Header `Location` of the answer; NULL if it has none.
    ADD COLUMN location text;
