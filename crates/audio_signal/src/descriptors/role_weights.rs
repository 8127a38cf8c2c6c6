//! Weights of the roles of hits, fitted and written by `tools/hits/fit.py`.

use super::hit::HIT_FEATURES;
use super::role::ROLES;

pub(super) const MEANS: [f32; HIT_FEATURES] = [0.0; HIT_FEATURES];
pub(super) const SCALES: [f32; HIT_FEATURES] = [1.0; HIT_FEATURES];
pub(super) const WEIGHTS: [[f32; HIT_FEATURES + 1]; ROLES] = [[0.0; HIT_FEATURES + 1]; ROLES];
