use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use db::testing::TestDatabase;
use futures::future::join_all;
use http_kit::{Boarding, Flights, WorkError};

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Work(#[from] WorkError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Boards `name`; `true` when the work was done by another.
async fn board(flights: &Flights, done: &AtomicBool) -> Result<bool, Error> {
    let landed = async || Ok::<_, Error>(done.load(Ordering::SeqCst).then_some(()));
    match flights.board("name", landed).await? {
        Boarding::Landed(()) => Ok(true),
        Boarding::Aboard(flight) => {
            done.store(true, Ordering::SeqCst);
            flight.land().await;
            Ok(false)
        }
    }
}

#[tokio::test]
async fn any_number_may_wait_for_the_same_work() {
    let database = TestDatabase::create().await;
    let here = Arc::new(Flights::new(database.pool.clone()));
    let elsewhere = Arc::new(Flights::new(database.pool.clone()));
    let done = Arc::new(AtomicBool::new(false));
    let never = async || Ok::<_, Error>(None::<()>);
    let Boarding::Aboard(first) = here.board("name", never).await.unwrap() else { unreachable!() };

    let waiting = [here.clone(), elsewhere].into_iter().flat_map(|flights| vec![flights; 100]);
    let waiting = waiting.map(|flights| {
        let done = done.clone();
        tokio::spawn(async move { board(&flights, &done).await })
    });
    let waiting: Vec<_> = waiting.collect();
    tokio::task::yield_now().await;
    assert!(waiting.iter().all(|call| !call.is_finished()), "the work is in the first one's hands");
    first.land().await;
    let landed = join_all(waiting).await.into_iter().map(|call| call.unwrap().unwrap());
    assert_eq!(landed.filter(|landed| !landed).count(), 1, "only one did what the first left undone");
}

#[tokio::test]
async fn a_lease_that_is_not_renewed_ends_and_one_that_is_does_not() {
    let database = TestDatabase::create().await;
    let never = async || Ok::<_, Error>(None::<()>);
    let [here, elsewhere] = [(); 2].map(|()| Flights::new(database.pool.clone()));
    let Boarding::Aboard(first) = here.board("name", never).await.unwrap() else { unreachable!() };
    let waiting = tokio::time::timeout(Duration::from_secs(1), elsewhere.board("name", never)).await;
    assert!(waiting.is_err(), "it is held");
    // As when the process of its holder hangs: it renews nothing.
    sqlx::query("UPDATE work_leases SET expires_at = now(), holder = 'gone'")
        .execute(&database.pool)
        .await
        .unwrap();
    let second = tokio::time::timeout(Duration::from_secs(5), elsewhere.board("name", never)).await;
    let Boarding::Aboard(second) = second.unwrap().unwrap() else { unreachable!() };
    first.land().await;
    let holders: Vec<String> =
        sqlx::query_scalar("SELECT holder FROM work_leases").fetch_all(&database.pool).await.unwrap();
    assert_eq!(holders.len(), 1, "who lost a lease does not give back another's");
    drop(second);
}
