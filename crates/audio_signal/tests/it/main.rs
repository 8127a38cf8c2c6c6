//! Integration tests of the signal analysis, one binary.

mod loudness;
mod quality;
mod rhythm;
mod speech;
