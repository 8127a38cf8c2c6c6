-- Orders of samples by brightness and energy. The values come from the meta of artifacts, by the trigger of 0032, so rows of
-- before have the values that their detectors measured, and there is nothing to backfill: `sample_values` reads role,
-- brightness, energy and key since then. The previous version of the program uses none of these indexes.
--
-- Building them reads `samples` once and blocks writes of samples meanwhile: about two seconds for a million rows.

-- Only hits have a brightness; rows of older detectors have none, and are not in the index.
CREATE INDEX samples_brightness ON samples (tenant_id, env, brightness_hz, artifact_id) WHERE brightness_hz IS NOT NULL;
CREATE INDEX samples_energy ON samples (tenant_id, env, energy DESC, artifact_id DESC) WHERE energy IS NOT NULL;
-- Of loops, which are few among the hits.
CREATE INDEX samples_kind_energy ON samples (tenant_id, env, kind, energy DESC, artifact_id DESC)
    WHERE energy IS NOT NULL;
