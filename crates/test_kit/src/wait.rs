use std::fmt::Display;
use std::time::Duration;

use tokio::time::{sleep, timeout};

const POLL: Duration = Duration::from_millis(20);

/// Repeats `attempt` until it returns a value; its error names the missing condition.
///
/// # Panics
/// When it has returned no value within `limit`, also in the middle of an attempt; the message is the last error.
pub async fn wait_for<T, E: Display>(limit: Duration, mut attempt: impl AsyncFnMut() -> Result<T, E>) -> T {
    let mut missing = "the first attempt has not ended".to_owned();
    let attempts = async {
        loop {
            match attempt().await {
                Ok(value) => return value,
                Err(error) => missing = error.to_string(),
            }
            sleep(POLL).await;
        }
    };
    let found = timeout(limit, attempts).await;
    found.unwrap_or_else(|_| panic!("not within {limit:?}: {missing}"))
}
