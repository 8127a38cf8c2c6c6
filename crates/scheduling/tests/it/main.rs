//! Tests of single flight, on a real database.

mod single_flight;
