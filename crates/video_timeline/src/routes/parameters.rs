//! Parameters that several routes have.

use primitives::{InvalidPage, PageLimit};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::page::Paging;

/// Selects a page of a listing.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Maximum number of rows on the page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub(super) limit: Option<u32>,
    /// `next_cursor` of the previous page.
    pub(super) cursor: Option<String>,
}

impl TryFrom<ListQuery> for Paging {
    type Error = InvalidPage;

    fn try_from(query: ListQuery) -> Result<Self, InvalidPage> {
        Ok(Self { limit: PageLimit::from_query(query.limit)?, cursor: query.cursor })
    }
}
