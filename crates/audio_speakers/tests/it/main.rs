//! With the real networks, where `HARKBACK_MODELS` names a directory that has them.

mod real_models;
