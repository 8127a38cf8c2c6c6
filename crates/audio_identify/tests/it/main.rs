//! Tests of the index and of searches in it, with made music, a real database and a blob store.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod identify;
mod index;
mod music;
mod origin_maps;
mod index_state;
