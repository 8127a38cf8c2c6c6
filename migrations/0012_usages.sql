-- "What uses this second of the recording?": windows by their begin, so that a page ends early, with the end in the
-- index, so that rows that ended before the window are passed over without being read.
CREATE INDEX artifacts_windows ON artifacts (tenant_id, env, parent_asset_id, start_us, end_us)
    WHERE start_us < end_us;
CREATE INDEX origin_maps_windows
    ON origin_maps (tenant_id, env, parent_asset_id, source_start_us, source_end_us);
CREATE INDEX video_clips_windows ON video_clips (tenant_id, env, asset_id, in_us, out_us);
