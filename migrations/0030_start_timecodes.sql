-- Source timecode of the first frame or sample of an asset's file, by which editing systems find its parts:
-- {"count": frames or samples since midnight, "rate_numerator", "rate_denominator": of them per second, "drop_frame"}.
-- One column, because no query looks into it. NULL: the file declares none, or version 2 of the prober or an earlier one
-- measured the row; the previous version of the program runs beside this one and neither reads nor writes the column.
ALTER TABLE media_assets
    ADD COLUMN start_timecode jsonb,
    ADD CONSTRAINT media_assets_start_timecode CHECK (jsonb_typeof(start_timecode) = 'object');
