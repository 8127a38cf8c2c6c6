//! Descriptors of cut samples: brightness and role of a hit, key of a loop.

mod frames;
mod hit;
mod key;
mod profiles;
mod role;
mod role_weights;

pub use hit::{HIT_FEATURES, HitDescriptor, HitMeter, hit_features};
pub use key::{KeyEstimate, KeyMeter};
pub use role::{HitRole, RoleEstimate};
