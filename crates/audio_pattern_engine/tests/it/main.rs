//! Tests of patterns over the router, with a real database.

mod requests;
mod storage;
mod support;
