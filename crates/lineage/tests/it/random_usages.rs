//! A window query returns exactly those of all uses that overlap the window, for random uses.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::{TestState, brief};

/// A random use: how it is created, and its window in ms.
#[derive(Clone, Debug)]
enum Use {
    Own(i64, i64),
    Mapped(i64, i64),
    Clip(i64, i64),
    ShotList(Vec<(i64, i64)>),
}

fn window() -> impl Strategy<Value = (i64, i64)> {
    // A small range of instants, so that windows often touch.
    (0_i64..20, 1_i64..6).prop_map(|(start, length)| (start, start + length))
}

fn a_use() -> impl Strategy<Value = Use> {
    prop_oneof![
        window().prop_map(|(start, end)| Use::Own(start, end)),
        window().prop_map(|(start, end)| Use::Mapped(start, end)),
        window().prop_map(|(start, end)| Use::Clip(start, end)),
        prop::collection::vec(window(), 1..4).prop_map(Use::ShotList),
    ]
}

/// Creates a use, and returns its id and the windows of the film that it uses, in ms.
async fn make(state: &TestState, film: &str, track: &str, made: &Use) -> (String, Vec<(i64, i64)>) {
    match made {
        Use::Own(start, end) => (state.hit(film, *start as f64, *end as f64).await, vec![(*start, *end)]),
        Use::Mapped(start, end) => {
            let artifact = state.artifact(film, json!({"kind": "audio_phrase"})).await;
            state.map(&artifact, film, *start, *end).await;
            (artifact, vec![(*start, *end)])
        }
        Use::Clip(start, end) => {
            (state.clip(track, film, (*start, *end), Value::Null).await, vec![(*start, *end)])
        }
        Use::ShotList(windows) => (state.shot_list(film, windows).await, union(windows)),
    }
}

/// The union of windows, in order: those that overlap or touch are one.
fn union(windows: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut windows = windows.to_vec();
    windows.sort_unstable();
    let mut union: Vec<(i64, i64)> = Vec::new();
    for (start, end) in windows {
        match union.last_mut().filter(|last| start <= last.1) {
            Some(last) => last.1 = last.1.max(end),
            None => union.push((start, end)),
        }
    }
    union
}

#[tokio::test]
async fn usages_of_a_window_are_the_overlapping_uses() {
    let state = TestState::new().await;
    let track = state.track("t1").await;
    let mut runner = TestRunner::deterministic();
    for _ in 0..12 {
        let uses = prop::collection::vec(a_use(), 0..24).new_tree(&mut runner).unwrap().current();
        let film = state.asset().await;
        let mut windows = Vec::new();
        for made in &uses {
            let (id, of_use) = make(&state, &film, &track, made).await;
            windows.extend(of_use.into_iter().map(|(start, end)| (id.clone(), start, end)));
        }
        windows.sort_unstable();
        // Equal shot lists may be one artifact.
        windows.dedup();
        let all = state.usages(&film, "", 500).await;
        let found = all.iter().map(|usage| {
            let (_, id, start, end) = brief(usage);
            (id, start as i64, end as i64)
        });
        let mut found: Vec<_> = found.collect();
        found.sort_unstable();
        assert_eq!(found, windows, "{uses:?}");
        let place = |usage: &Value| {
            let (kind, id, start, _) = brief(usage);
            ((start * 1_000.0) as i64, kind, id)
        };
        assert!(all.is_sorted_by(|a, b| place(a) < place(b)), "{all:#?}");
        for _ in 0..8 {
            let (start, end) = window().new_tree(&mut runner).unwrap().current();
            let limit = (1_usize..8).new_tree(&mut runner).unwrap().current();
            let expected: Vec<Value> = all
                .iter()
                .filter(|usage| {
                    let (_, _, from, to) = brief(usage);
                    from < end as f64 && to > start as f64
                })
                .cloned()
                .collect();
            let query = format!("start_ms={start}&end_ms={end}");
            assert_eq!(state.usages(&film, &query, limit).await, expected, "{query} by {limit} of {uses:?}");
        }
    }
}
