use primitives::canonical_json;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 of the [canonical JSON](canonical_json) of `produced_by`, in lower-case hex.
#[must_use]
pub fn pipeline_hash(produced_by: &Value) -> String {
    hex::encode(Sha256::digest(canonical_json(produced_by)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pipeline_hash_is_sha256_of_canonical_json() {
        // printf '{}' | sha256sum
        assert_eq!(
            pipeline_hash(&json!({})),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
    }
}
