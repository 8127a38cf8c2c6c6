//! The page of the service: `GET /app`, plain ES modules and CSS that call the same API as any other client.
//!
//! - `web/` has the files as a browser reads them; nothing is built or bundled;
//! - [`router`] serves them from the program, with a content security policy and entity tags;
//! - [`StaticFile`] marks their answers, which may be compressed.
//!
//! The files reveal nothing about a tenant, so they need no credentials; the calls of the page carry them.

mod files;
mod routes;

pub use routes::{CONTENT_SECURITY_POLICY, StaticFile, router};
