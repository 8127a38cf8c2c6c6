//! Removes an asset or an artifact with all that derives from it, in one transaction.

use http_kit::RequestContext;
use media_time::AssetTime;
use media_v2::MediaError;
use primitives::{Id, PageLimit, Scope};
use sqlx::PgConnection;
use video_timeline::{ClipFilter, Paging};

use crate::model::{AssetUsage, AssetUsages, UsageKind};
use crate::{Error, Housekeeping, store};

/// Number of attempts of a removal that conflicts with other transactions.
const ATTEMPTS: usize = 3;

/// How an asset or artifact is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Whether to also remove what users made with it. Otherwise, any of it keeps the asset or artifact.
    pub cascade: bool,
    /// Whether to only find out what would be removed.
    pub dry_run: bool,
}

/// Numbers of rows that a removal removed, or would remove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// The asset, and files that were rendered from it or from the artifact.
    pub assets: u64,
    /// Artifacts.
    pub artifacts: u64,
}

/// What a removal begins with.
#[derive(Clone, Copy, Debug)]
enum Root<'a> {
    Asset(&'a Id),
    Artifact(&'a Id),
}

impl Root<'_> {
    const fn id(&self) -> &Id {
        match *self {
            Self::Asset(id) | Self::Artifact(id) => id,
        }
    }

    const fn is_asset(&self) -> bool {
        matches!(self, Self::Asset(_))
    }

    /// Locks its row.
    ///
    /// # Errors
    /// [`MediaError::AssetsNotFound`], [`MediaError::ArtifactsNotFound`]; errors of the database.
    async fn lock(&self, conn: &mut PgConnection, scope: &Scope) -> Result<(), Error> {
        let is_found = match self {
            Self::Asset(id) => store::lock_asset(conn, scope, id).await?,
            Self::Artifact(id) => store::lock_artifact(conn, scope, id).await?,
        };
        match self {
            _ if is_found => Ok(()),
            Self::Asset(id) => Err(MediaError::asset_not_found(id).into()),
            Self::Artifact(id) => Err(MediaError::artifact_not_found(id).into()),
        }
    }

    fn in_use(&self, usages: AssetUsages) -> Error {
        match *self {
            Self::Asset(id) => Error::InUse { asset_id: id.clone(), usages },
            Self::Artifact(id) => Error::ArtifactInUse { artifact_id: id.clone(), usages },
        }
    }
}

impl Housekeeping {
    /// Removes an asset with everything that derives from it. Its bytes are removed by a later collection of blobs.
    ///
    /// Clips of a remote timeline keep the asset without `cascade`; with it they stay there, as this service cannot remove
    /// them.
    ///
    /// # Errors
    /// [`MediaError::AssetsNotFound`]; [`Error::InUse`] without `cascade`; errors of the timeline and of the database.
    pub async fn remove_asset(
        &self,
        context: &RequestContext,
        asset_id: &Id,
        removal: Removal,
    ) -> Result<Removed, Error> {
        let clips = if removal.cascade {
            AssetUsages::default()
        } else {
            self.remote_clips(context, asset_id).await?
        };
        self.remove(&context.scope, Root::Asset(asset_id), removal, clips).await
    }

    /// Removes an artifact with everything that derives from it, by the rules of [`Self::remove_asset`]. Clips of a remote
    /// timeline that represent it are not known, and do not keep it.
    ///
    /// # Errors
    /// [`MediaError::ArtifactsNotFound`]; [`Error::ArtifactInUse`] without `cascade`; errors of the database.
    pub async fn remove_artifact(
        &self,
        scope: &Scope,
        artifact_id: &Id,
        removal: Removal,
    ) -> Result<Removed, Error> {
        self.remove(scope, Root::Artifact(artifact_id), removal, AssetUsages::default()).await
    }

    async fn remove(
        &self,
        scope: &Scope,
        root: Root<'_>,
        removal: Removal,
        clips: AssetUsages,
    ) -> Result<Removed, Error> {
        let mut attempts = 1;
        loop {
            match Box::pin(self.try_remove(scope, root, removal, clips.clone())).await {
                Err(Error::Database(error)) if is_conflict(&error) && attempts < ATTEMPTS => attempts += 1,
                done => return done,
            }
        }
    }

    async fn try_remove(
        &self,
        scope: &Scope,
        root: Root<'_>,
        removal: Removal,
        clips: AssetUsages,
    ) -> Result<Removed, Error> {
        let mut transaction = self.pool().begin().await?;
        store::allow_time(&mut transaction).await?;
        root.lock(&mut transaction, scope).await?;
        let id = Id::generate("removal");
        store::begin(&mut transaction, scope, &id, root.is_asset(), root.id()).await?;
        collect(&mut transaction, scope, &id).await?;
        if !removal.cascade {
            let mut usages = store::usages(&mut transaction, scope, &id, root.id()).await?;
            usages.merge(clips);
            if !usages.is_empty() {
                return Err(root.in_use(usages));
            }
        }
        let (assets, artifacts) = store::delete_rows(&mut transaction, scope, &id).await?;
        if removal.dry_run {
            transaction.rollback().await?;
        } else {
            if assets > 0 {
                store::mark_removed(&mut transaction).await?;
            }
            transaction.commit().await?;
        }
        Ok(Removed { assets, artifacts })
    }

    /// The clips of a remote timeline that play the asset.
    async fn remote_clips(&self, context: &RequestContext, asset_id: &Id) -> Result<AssetUsages, Error> {
        let mut usages = AssetUsages::default();
        let Some(timeline) = self.remote_timeline() else { return Ok(usages) };
        let filter = ClipFilter::Showing { asset_id: asset_id.clone(), start: AssetTime::ZERO, end: None };
        let paging = Paging { limit: LISTED_CLIPS, cursor: None };
        let clips = timeline.list_clips(context, &filter, &paging).await?.items;
        let total = clips.len() as u64;
        for clip in clips {
            usages.add(AssetUsage { kind: UsageKind::Clip, id: clip.id, project_id: None }, total);
        }
        Ok(usages)
    }
}

/// Number of clips of a remote timeline that are listed.
const LISTED_CLIPS: PageLimit = match PageLimit::new(20) {
    Ok(limit) => limit,
    Err(_) => PageLimit::MAX,
};

/// Adds all that derives from the root of the removal, and locks it. What was added while it was found is found again: once
/// all rows are locked, nothing can be added.
async fn collect(conn: &mut PgConnection, scope: &Scope, removal: &Id) -> sqlx::Result<()> {
    loop {
        let derived = store::extend(conn, scope, removal).await?;
        let files = store::extend_by_files(conn, scope, removal).await?;
        store::lock(conn, scope, removal).await?;
        if derived + files == 0 {
            return Ok(());
        }
    }
}

/// Whether the error comes from a concurrent transaction, so that another attempt may succeed: serialisation failure,
/// deadlock, a reference that was added meanwhile.
fn is_conflict(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("40001" | "40P01" | "23503"))
}
