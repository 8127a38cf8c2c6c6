//! Ids of things created under an `Idempotency-Key`: a retry after a crash derives the same ids, and finds the things.

use sha2::{Digest, Sha256};

use crate::Id;

tokio::task_local! {
    static CURRENT: Option<WriteSeed>;
}

/// Seed of the ids of one write. It is stored in the database before the write begins, for as long as answers are
/// stored, so that every attempt of the same write under the same key derives the same ids.
///
/// A write that uses it creates all its things in one transaction: if the first of them exists, all do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteSeed([u8; 32]);

impl WriteSeed {
    /// Derives a seed from a text: the same text gives the same ids.
    #[must_use]
    pub fn new(seed: &str) -> Self {
        Self(Sha256::digest(seed).into())
    }

    /// The seed of the current write; `None` for a write without a key.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok().flatten()
    }

    /// Runs `write` with the seed; a spawned task does not inherit it.
    pub async fn scope<F: Future>(seed: Option<Self>, write: F) -> F::Output {
        CURRENT.scope(seed, write).await
    }

    /// The id of the `index`-th thing of this kind that the write creates: `<prefix>_<32 hex digits>`. Ids of one
    /// prefix sort by index.
    #[must_use]
    pub fn id(&self, prefix: &str, index: usize) -> Id {
        let digest = Sha256::new().chain_update(self.0).chain_update(prefix).finalize();
        Id::of_parts(prefix, &digest[..12], u32::try_from(index).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ids_are_derived_only_within_a_keyed_write() {
        assert_ne!(Id::for_write("clip", 0), Id::for_write("clip", 0));
        let ids = |seed: &str| {
            let seed = WriteSeed::new(seed);
            WriteSeed::scope(Some(seed), async {
                [Id::for_write("clip", 0), Id::for_write("clip", 1), Id::for_write("seq", 0)]
            })
        };
        let [first, second, other] = ids("a").await;
        assert_eq!([first.clone(), second.clone(), other.clone()], ids("a").await);
        assert!(first < second && first.as_str().starts_with("clip_") && first.as_str().len() == 37);
        assert!(other.as_str()[4..28] != first.as_str()[5..29]);
        assert_ne!(first, ids("b").await[0]);
    }
}
