use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use db::testing::TestDatabase;
use futures::future::join_all;
use scheduling::{Acquisition, SingleFlight, WorkError};

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Work(#[from] WorkError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Acquires `name` and does its work; `true` when another did the work.
async fn run_once(flights: &SingleFlight, done: &AtomicBool) -> Result<bool, Error> {
    let landed = async || Ok::<_, Error>(done.load(Ordering::SeqCst).then_some(()));
    match flights.acquire("name", landed).await? {
        Acquisition::Completed(()) => Ok(true),
        Acquisition::Acquired(flight) => {
            done.store(true, Ordering::SeqCst);
            flight.release().await;
            Ok(false)
        }
    }
}

#[tokio::test]
async fn flight_lets_any_number_wait_for_the_same_work() {
    let database = TestDatabase::create().await;
    let here = Arc::new(SingleFlight::new(database.pool.clone()));
    let elsewhere = Arc::new(SingleFlight::new(database.pool.clone()));
    let done = Arc::new(AtomicBool::new(false));
    let never = async || Ok::<_, Error>(None::<()>);
    let Acquisition::Acquired(first) = here.acquire("name", never).await.unwrap() else { unreachable!() };

    let waiting = [here.clone(), elsewhere].into_iter().flat_map(|flights| vec![flights; 100]);
    let waiting = waiting.map(|flights| {
        let done = done.clone();
        tokio::spawn(async move { run_once(&flights, &done).await })
    });
    let waiting: Vec<_> = waiting.collect();
    tokio::task::yield_now().await;
    assert!(waiting.iter().all(|call| !call.is_finished()), "the first holder does the work");
    first.release().await;
    let landed = join_all(waiting).await.into_iter().map(|call| call.unwrap().unwrap());
    assert_eq!(landed.filter(|landed| !landed).count(), 1, "only one did what the first left undone");
}

#[tokio::test]
async fn flight_lease_ends_unless_renewed() {
    let database = TestDatabase::create().await;
    let never = async || Ok::<_, Error>(None::<()>);
    let [here, elsewhere] = [(); 2].map(|()| SingleFlight::new(database.pool.clone()));
    let Acquisition::Acquired(first) = here.acquire("name", never).await.unwrap() else { unreachable!() };
    let waiting = tokio::time::timeout(Duration::from_secs(1), elsewhere.acquire("name", never)).await;
    assert!(waiting.is_err(), "it is held");
    // Simulates a holder whose process hangs and renews nothing.
    sqlx::query("UPDATE work_leases SET expires_at = now(), holder = 'gone'")
        .execute(&database.pool)
        .await
        .unwrap();
    let second = tokio::time::timeout(Duration::from_secs(5), elsewhere.acquire("name", never)).await;
    let Acquisition::Acquired(second) = second.unwrap().unwrap() else { unreachable!() };
    first.release().await;
    let holders: Vec<String> =
        sqlx::query_scalar("SELECT holder FROM work_leases").fetch_all(&database.pool).await.unwrap();
    assert_eq!(holders.len(), 1, "a holder that lost its lease does not release another's");
    drop(second);
}
