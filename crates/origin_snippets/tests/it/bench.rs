//! What a `timeline_only` batch costs: time and SQL statements. `make bench` prints it.

use std::time::Instant;

use serde_json::{Value, json};

use crate::statements;
use crate::support::{World, ok, window};

/// Each size runs this often; the fastest run counts.
const RUNS: usize = 5;
/// Artifacts that the items name in turn.
const ARTIFACTS: i64 = 1_000;

#[tokio::test]
#[ignore = "prints figures, asserts nothing of them"]
async fn batches() {
    let world = World::new().await;
    let film = world.asset("t1", Some(3_600_000)).await;
    let mut items = Vec::new();
    for index in 0..ARTIFACTS {
        let start_ms = index * 3_000;
        let hit = world.hit("t1", &film, Some(window(start_ms, start_ms + 200)), &[]).await;
        items.push(json!({"audio_artifact_id": hit}));
    }
    for count in [1, 1_000, 10_000] {
        let some: Vec<&Value> = items.iter().cycle().take(count).collect();
        let request = json!({"items": some});
        let (mut fastest_s, mut counted) = (f64::INFINITY, 0);
        for _ in 0..RUNS {
            let (before, started) = (statements::on_this_thread(), Instant::now());
            let made = ok(world.batch(&request).await);
            fastest_s = fastest_s.min(started.elapsed().as_secs_f64());
            counted = statements::on_this_thread() - before;
            assert_eq!(made["snippets"].as_array().unwrap().len(), count);
        }
        println!("  {count:>6} items {:>8.1} ms {counted:>4} SQL statements", fastest_s * 1_000.0);
    }
}
