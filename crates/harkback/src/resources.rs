//! Limits and memory that the process takes from the system, and returns.

use std::time::Duration;

use blob_store::BlobStore;
use media_v2::MediaService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::listener::Closed;

/// Interval at which memory is returned, if connections were closed.
const TRIM_PERIOD: Duration = Duration::from_secs(10);

const SWEEP_PERIOD: Duration = Duration::from_secs(3_600);
/// Interval of the sweep of resumable uploads: the end of one that a dead process has interrupted waits for it, unless its
/// client asks.
const UPLOADS_PERIOD: Duration = Duration::from_secs(60);

/// Raises the soft limit of open files to the hard one: a shell's default of 1 024 is less than the number of
/// connections.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => tracing::debug!(limit = ?limit.maximum, "open files"),
        Err(error) => {
            tracing::warn!(%error, limit = ?limit.current, "could not raise the limit of open files")
        }
    }
}

/// Bounds the freed memory that the allocator retains. By default glibc has eight arenas per core, raises its
/// thresholds with the largest block that was ever freed, and trims the top of the first arena only. Call it before
/// threads start.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn bound_heap() {
    for (parameter, value) in
        [(libc::M_ARENA_MAX, 4), (libc::M_MMAP_THRESHOLD, 4 << 20), (libc::M_TRIM_THRESHOLD, 8 << 20)]
    {
        #[expect(unsafe_code, reason = "a function of the C library")]
        // SAFETY: mallopt(3) takes any value, and no other thread allocates yet.
        unsafe {
            libc::mallopt(parameter, value);
        }
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn bound_heap() {}

/// Returns freed memory to the system after connections were closed: glibc retains what lies below any live block of an
/// arena. Never returns.
pub(crate) async fn give_memory_back(closed: Closed) {
    loop {
        tokio::time::sleep(TRIM_PERIOD).await;
        if closed.take() > 0 {
            // Takes milliseconds for a large heap.
            let _ = tokio::task::spawn_blocking(trim).await;
        }
    }
}

/// Removes, at the start and every hour, what uploads of dead processes left in staging and in an object store. Never
/// returns.
pub(crate) async fn sweep(blobs: BlobStore) {
    loop {
        blobs.sweep_staging().await;
        tokio::time::sleep(SWEEP_PERIOD).await;
    }
}

/// Removes expired resumable uploads, and finishes those whose end was interrupted. Never returns.
pub(crate) async fn sweep_uploads(media: MediaService) {
    loop {
        media.sweep_uploads().await;
        tokio::time::sleep(UPLOADS_PERIOD).await;
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn trim() {
    #[expect(unsafe_code, reason = "a function of the C library")]
    // SAFETY: malloc_trim(3) takes any padding, and may be called by any thread at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}
