//! Many clips: a constant number of statements, and reported limits.

use primitives::Id;
use serde_json::{Value, json};
use test_kit::{scope, window_ms};

use crate::support::{TestState, at, clip, map, sequence, sound};
use db::testing::statements;

/// Audio artifacts of a few recordings, half of them derived from another.
async fn sounds(state: &TestState, count: usize) -> Vec<Id> {
    let mut films = Vec::new();
    for _ in 0..3 {
        let film = state.asset(Some(600_000)).await;
        state.timeline(&film, None, "signal", &[100], &[]).await;
        films.push(film);
    }
    let conn = &mut *state.conn().await;
    let mut sounds = Vec::new();
    for index in 0..count {
        let film = &films[index % 3];
        let start = i64::try_from(index).unwrap() * 10;
        let hit = sound(conn, film, &[], json!({})).await;
        let maps = [map(&hit, film, window_ms(start, start + 500))];
        audio_to_video_origin::store::insert_origin_maps(conn, &scope("t1"), at(1), &maps).await.unwrap();
        sounds.push(if index % 2 == 0 { hit } else { sound(conn, film, &[&hit], json!({})).await });
    }
    sounds
}

#[tokio::test]
async fn shot_list_uses_a_constant_number_of_statements() {
    let state = TestState::new().await;
    let sounds = sounds(&state, 40).await;
    let mut counts = Vec::new();
    for count in [1, 40, 4_000] {
        let clips: Value = (0..count)
            .map(|index| clip(&sounds[index % sounds.len()], i64::try_from(index).unwrap(), 100, 0))
            .collect();
        let before = statements::on_this_thread();
        let list = state.shots(clips.clone()).await;
        let made = statements::on_this_thread() - before;
        assert_eq!(list["shots"].as_array().unwrap().len(), count);
        state.shots(clips).await;
        counts.push((made, statements::on_this_thread() - before - made));
    }
    println!("statements for lists of 1, 40 and 4000 clips, made and found again: {counts:?}");
    assert_eq!(counts[0], counts[1]);
    assert_eq!(counts[0], counts[2]);
    assert!((10..=20).contains(&counts[0].0), "statements are counted at all: {counts:?}");
}

#[tokio::test]
async fn shot_list_limits_the_number_of_clips() {
    let state = TestState::new().await;
    let film = state.asset(None).await;
    let clip = json!({"asset_id": film, "start_ms": 0, "duration_ms": 1});
    let body = sequence(vec![clip; 100_001].into());
    let problem = state.ask(&body).await.problem(413, "too_many_clips");
    assert!(problem["detail"].as_str().unwrap().contains("100000"));
}

/// Every shot repeats its artifact's meta, so a few long ones could make a list of any size.
#[tokio::test]
async fn shot_list_limits_its_size() {
    let state = TestState::new().await;
    let film = state.asset(None).await;
    let wordy = state.sound(&film, json!({"notes": "x".repeat(200_000)})).await;
    let clips = |count: i64| (0..count).map(|start| clip(&wordy, start, 1, 0)).collect();
    state.ask(&sequence(clips(2_000))).await.problem(422, "shot_list_too_large");
    assert_eq!(state.shots(clips(3)).await["meta"]["count"], 3);
}
