//! Integration tests of the signal analysis, one binary.

mod rhythm;
