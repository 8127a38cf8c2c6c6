use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

const POLL: Duration = Duration::from_millis(20);

/// Repeats `attempt` until it returns a value; its error names the missing condition.
///
/// # Panics
/// When it returns none for `limit`; the message is the last error.
pub async fn wait_for<T, E: Display>(limit: Duration, mut attempt: impl AsyncFnMut() -> Result<T, E>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(missing) => assert!(Instant::now() < deadline, "not within {limit:?}: {missing}"),
        }
        sleep(POLL).await;
    }
}
