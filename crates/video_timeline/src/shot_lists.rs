use std::fmt::Debug;

use async_trait::async_trait;
use http_kit::{Problem, RequestContext};

use crate::model::{NewShotListTimeline, ShotListTimeline};

/// Creates timelines from stored shot lists; implemented by another engine, which reads shot lists.
#[async_trait]
pub trait ShotListTimelines: Send + Sync + Debug {
    /// Creates a project with the shots of a list, all or nothing.
    ///
    /// # Errors
    /// The problem to answer with, such as an unknown shot list.
    async fn create(
        &self,
        context: &RequestContext,
        new: NewShotListTimeline,
    ) -> Result<ShotListTimeline, Problem>;
}
