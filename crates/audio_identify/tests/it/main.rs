//! Tests of the index, of searches in it, of alignments and of edit lists, with made music, a real database and a blob store.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod align;
mod comparing;
mod conform;
mod identify;
mod index;
mod music;
mod origin_maps;
mod support;
