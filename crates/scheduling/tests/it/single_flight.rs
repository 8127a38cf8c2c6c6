use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use db::testing::TestDatabase;
use futures::future::join_all;
use scheduling::{Acquisition, FlightGuard, SingleFlight, WorkError};
use sqlx::PgPool;
use tokio::time::{Instant, sleep, timeout};

/// Time that a step may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_millis(300);

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Work(#[from] WorkError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Work that takes some time, and counts how often it is begun.
#[derive(Default)]
struct Work {
    begun: AtomicUsize,
    is_done: AtomicBool,
}

/// Acquires `name` and does its work, unless another caller has done it.
async fn run_once(flights: &SingleFlight, work: &Work) -> Result<(), Error> {
    let find = async || Ok::<_, Error>(work.is_done.load(Ordering::SeqCst).then_some(()));
    if let Acquisition::Acquired(flight) = flights.acquire("name", find).await? {
        work.begun.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_millis(50)).await;
        work.is_done.store(true, Ordering::SeqCst);
        flight.release().await;
    }
    Ok(())
}

/// Acquires `name` for work that no other caller does.
async fn acquire(flights: &SingleFlight) -> FlightGuard {
    let never = async || Ok::<_, Error>(None::<()>);
    match timeout(LIMIT, flights.acquire("name", never)).await.unwrap().unwrap() {
        Acquisition::Acquired(flight) => flight,
        Acquisition::Completed(()) => unreachable!(),
    }
}

/// Holder and expiry of the only lease.
async fn lease(pool: &PgPool) -> (String, String) {
    let lease = sqlx::query_as("SELECT holder, expires_at::text FROM work_leases");
    lease.fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn flight_lets_any_number_wait_for_the_same_work() {
    let database = TestDatabase::create().await;
    let here = Arc::new(SingleFlight::new(database.pool.clone()));
    let elsewhere = Arc::new(SingleFlight::new(database.pool.clone()));
    let work = Arc::new(Work::default());
    let first = acquire(&here).await;

    let waiting = [here.clone(), elsewhere].into_iter().flat_map(|flights| vec![flights; 100]);
    let waiting = waiting.map(|flights| {
        let work = work.clone();
        tokio::spawn(async move { run_once(&flights, &work).await })
    });
    let waiting: Vec<_> = waiting.collect();
    sleep(Duration::from_millis(200)).await;
    assert!(waiting.iter().all(|call| !call.is_finished()), "the first holder does the work");
    assert_eq!(work.begun.load(Ordering::SeqCst), 0);
    first.release().await;
    for call in timeout(LIMIT, join_all(waiting)).await.unwrap() {
        call.unwrap().unwrap();
    }
    assert_eq!(work.begun.load(Ordering::SeqCst), 1, "one did what the first left undone");
}

#[tokio::test]
async fn flight_lease_is_renewed_while_it_is_held() {
    let database = TestDatabase::create().await;
    let flights = SingleFlight::new(database.pool.clone()).with_lease(LEASE);
    let flight = acquire(&flights).await;
    let (holder, mut last) = lease(&database.pool).await;
    let begun = Instant::now();
    for _ in 0..5 {
        let (renewed_by, expiry) = loop {
            assert!(begun.elapsed() < LIMIT, "it is not renewed");
            sleep(LEASE / 20).await;
            let now = lease(&database.pool).await;
            if now.1 != last {
                break now;
            }
        };
        assert_eq!(renewed_by, holder);
        last = expiry;
    }
    flight.release().await;
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM work_leases").fetch_one(&database.pool).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn flight_lease_of_a_dead_process_ends() {
    let database = TestDatabase::create().await;
    let process = tokio::runtime::Runtime::new().unwrap();
    let (held, is_held) = tokio::sync::oneshot::channel();
    let url = database.url();
    process.spawn(async move {
        let pool = PgPool::connect(&url).await.unwrap();
        let flight = acquire(&SingleFlight::new(pool).with_lease(LEASE)).await;
        held.send(()).unwrap();
        // It is held, and renewed, until the process ends.
        std::future::pending::<()>().await;
        drop(flight);
    });
    timeout(LIMIT, is_held).await.unwrap().unwrap();
    let (holder, _) = lease(&database.pool).await;
    process.shutdown_background();

    let flights = SingleFlight::new(database.pool.clone()).with_lease(LEASE);
    let flight = acquire(&flights).await;
    assert_ne!(lease(&database.pool).await.0, holder);
    flight.release().await;
}

#[tokio::test]
async fn flight_that_lost_its_lease_does_not_release_the_next() {
    let database = TestDatabase::create().await;
    let [here, elsewhere] = [(); 2].map(|()| SingleFlight::new(database.pool.clone()));
    let first = acquire(&here).await;
    sqlx::query("UPDATE work_leases SET expires_at = now()").execute(&database.pool).await.unwrap();
    let second = acquire(&elsewhere).await;
    let (holder, _) = lease(&database.pool).await;
    first.release().await;
    assert_eq!(lease(&database.pool).await.0, holder);
    second.release().await;
}
