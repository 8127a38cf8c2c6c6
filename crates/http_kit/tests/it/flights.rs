use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
    let here = Arc::new(Flights::new("test", database.pool.clone()));
    let elsewhere = Arc::new(Flights::new("test", database.pool.clone()));
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
