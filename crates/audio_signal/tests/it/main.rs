//! Integration tests of the signal analysis, one binary.

mod loudness;
mod rhythm;
mod speech;
