//! Origins and shot lists on a real database.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod alignment;
mod given_shots;
mod limits;
mod openapi;
mod origin_maps;
mod rejections;
mod routes;
mod sequences;
mod support;
