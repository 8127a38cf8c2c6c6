//! Searches the blocks of a query in the index of an owner. On a worker thread: statements are waited for there.

use audio_fingerprint::{Match, Posting, Postings, Query, QueryError, Variation};
use media_decode::DecodeError;
use primitives::Scope;
use sqlx::{PgConnection, PgPool};
use tokio::runtime::Handle;

use crate::{Error, store};

/// The index of an owner.
pub(crate) struct StoredIndex {
    /// The runtime of the pool, which waits for statements.
    pub(crate) runtime: Handle,
    pub(crate) pool: PgPool,
    pub(crate) scope: Scope,
}

/// Landmarks within one transaction.
struct StoredPostings<'a> {
    index: &'a StoredIndex,
    conn: &'a mut PgConnection,
    cancelled: &'a dyn Fn() -> bool,
}

impl Postings for StoredPostings<'_> {
    type Error = Error;

    fn postings(&mut self, hashes: &[u32], max: usize, found: &mut Vec<Posting>) -> Result<(), Error> {
        // The look-ups of one block may take seconds.
        if (self.cancelled)() {
            return Err(DecodeError::Cancelled.into());
        }
        let looked_up = store::find_postings(self.conn, &self.index.scope, hashes, max, found);
        if self.index.runtime.block_on(looked_up)? { Ok(()) } else { Err(Error::TooManyPostings) }
    }
}

impl StoredIndex {
    /// The candidates of a block of samples, the most certain first; `None` for a silent block. Blocking.
    ///
    /// # Errors
    /// [`Error::TooManyPostings`]; database errors; [`DecodeError::Cancelled`].
    pub(crate) fn search(
        &self,
        samples: &[f32],
        variation: Variation,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<Match>>, Error> {
        let query = match Query::new(samples) {
            Err(QueryError::Silent) => return Ok(None),
            query => query?,
        };
        // A transaction for the settings of `prepare`; nothing is written.
        let mut transaction = self.runtime.block_on(self.pool.begin())?;
        self.runtime.block_on(store::prepare(&mut transaction))?;
        let mut postings = StoredPostings { index: self, conn: &mut transaction, cancelled };
        let found = audio_fingerprint::candidates(&query, &mut postings, variation);
        self.runtime.block_on(transaction.rollback())?;
        found.map(Some)
    }
}
