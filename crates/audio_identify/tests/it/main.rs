//! Tests of identifying, aligning and conforming over the routers, with made music, a real database and files.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod align;
mod conform;
mod identify;
mod index;
mod index_state;
mod music;
mod origin_maps;
mod support;
