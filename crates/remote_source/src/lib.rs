//! Files elsewhere, by HTTP or in object stores: fetched once, as a stream.
//!
//! - [`RemoteSources`]: the hosts and buckets that the operator allows; by default none;
//! - [`Location`]: an allowed file, from [`RemoteSources::locate`], which needs no network;
//! - [`Transfer`]: its bytes, within limits of size, time and rate.
//!
//! # Hostile addresses
//!
//! Callers choose the address, so nothing may be reached through it that only the service can reach. Hosts and ports are
//! on lists of the operator, and checked again at each redirect. The address that a name resolves to is checked when the
//! connection is made ([`outbound::checking_client`]): it has to be public, or in a network that the operator allows.
//! Buckets are read with credentials of the operator; a bucket without `{tenant}` in its prefix is for administrators.
//!
//! # Broken connections
//!
//! A transfer that breaks is continued where it ended, if the file has a strong ETag: the answer to the request for the
//! rest must have the same one ([`RemoteError::Changed`]). Otherwise it starts again ([`Piece::Restart`]).
//!
//! A web server that declares `Accept-Ranges` is asked at the end for bytes beyond the declared length: a file of which there
//! are more is continued with a strong ETag, and has otherwise changed.

mod attempt;
mod beyond;
mod bucket;
mod content_range;
mod error;
mod host;
mod location;
mod object;
mod pace;
mod rules;
mod sources;
mod transfer;
mod web;

pub use bucket::{BucketPattern, InvalidBucket};
pub use error::RemoteError;
pub use host::{HostPattern, InvalidHost};
pub use location::Location;
pub use sources::{RemoteConfig, RemoteSources};
pub use transfer::{Piece, Transfer, TransferLimits};
