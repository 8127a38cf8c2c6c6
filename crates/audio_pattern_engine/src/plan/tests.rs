use proptest::prelude::*;

use super::*;
use crate::TEMPLATES;

fn request(template_id: &str) -> PatternRequest {
    let samples =
        ["kick", "snare", "hat"].map(|role| (role.to_owned(), format!("a_{role}").parse().unwrap()));
    PatternRequest {
        tenant_id: None,
        env: None,
        user_id: None,
        template_id: template_id.to_owned(),
        sample_map: samples.into(),
        bpm: None,
        swing_pct: None,
        bars: None,
        seed: None,
    }
}

fn pattern(request: &PatternRequest) -> PatternTimeline {
    Plan::of(request).unwrap().timeline()
}

/// Starts of a role's clips, in µs.
fn starts(pattern: &PatternTimeline, role: &str) -> Vec<i64> {
    pattern.clips.iter().filter(|clip| clip.label == role).map(|clip| clip.start.as_micros()).collect()
}

fn pointers(request: &PatternRequest) -> Vec<String> {
    match Plan::of(request) {
        Err(Error::Invalid(errors)) => errors.into_iter().map(|error| error.pointer).collect(),
        other => panic!("{other:?}"),
    }
}

/// A step at 124 bpm is 60 000 / 124 / 4 = 120.967 741 9… ms.
#[test]
fn four_on_the_floor_by_hand() {
    let pattern = pattern(&request("four_on_the_floor"));
    assert_eq!(starts(&pattern, "kick"), [0, 483_871, 967_742, 1_451_613]);
    assert_eq!(starts(&pattern, "snare"), [483_871, 1_451_613]);
    assert_eq!(starts(&pattern, "hat"), [241_935, 725_806, 1_209_677, 1_693_548]);
    let labels: Vec<&str> = pattern.clips.iter().map(|clip| clip.label.as_str()).collect();
    let bar = ["kick", "hat", "kick", "snare", "hat", "kick", "hat", "kick", "snare", "hat"];
    assert_eq!(labels, bar, "by time, then in the template's order");
    assert_eq!(pattern.clips[0].gain_db, 0.0);
    // 20·log10(0.9), 20·log10(0.7)
    assert!((pattern.clips[3].gain_db + 0.915_150).abs() < 1e-6);
    assert!((pattern.clips[1].gain_db + 3.098_040).abs() < 1e-6);
    assert!(pattern.clips.iter().all(|clip| clip.duration == MediaTime::from_millis(500)));
    assert_eq!(pattern.meta["length_ms"], 1_935.484);
}

/// A step at 90 bpm is 166.666… ms; swing 25 makes odd steps 166.666… × 0.25 × 0.5 = 20.833… ms late.
#[test]
fn boom_bap_swings() {
    let pattern = pattern(&request("boom_bap_90"));
    // Steps 0, 2, 7 and 10; 7 × 166.667 + 20.833 = 1187.5.
    assert_eq!(starts(&pattern, "kick"), [0, 333_333, 1_187_500, 1_666_667]);
    assert_eq!(starts(&pattern, "snare"), [666_667, 2_000_000]);
    let hats = starts(&pattern, "hat");
    assert_eq!(hats[..4], [0, 187_500, 333_333, 520_833]);
    assert_eq!(hats.len(), 16);
}

#[test]
fn bars_repeat_without_drift() {
    let bars = 512;
    let pattern = pattern(&PatternRequest { bars: Some(bars), ..request("trap_140") });
    let kicks = starts(&pattern, "kick");
    assert_eq!(kicks.len(), 2 * usize::try_from(bars).unwrap());
    // A bar at 140 bpm is 12/7 s; bar 490 begins at 840 s exactly.
    assert_eq!(kicks[2], 1_714_286);
    assert_eq!(kicks[2 * 490], 840_000_000);
    assert_eq!(starts(&pattern, "snare")[490], kicks[2 * 490 + 1]);
}

#[test]
fn a_role_without_a_sample_is_silent() {
    let mut request = request("trap_140");
    request.sample_map.remove("hat");
    let pattern = pattern(&request);
    assert_eq!(pattern.clips.len(), 3);
    assert_eq!(pattern.meta["silent_roles"], json!(["hat"]));
    request.sample_map.clear();
    assert_eq!(Plan::of(&request).unwrap().timeline().clips, []);
}

#[test]
fn gain_db_of_a_velocity() {
    assert_eq!(
        [gain_db(1.0), gain_db(1.7), gain_db(0.009), gain_db(0.0), gain_db(0.1)],
        [0.0, 0.0, -60.0, -60.0, -20.0]
    );
    assert!((gain_db(0.01) + 40.0).abs() < 1e-12);
}

#[test]
fn all_invalid_fields_are_reported_together() {
    let invalid = PatternRequest {
        bpm: Some(0.0),
        swing_pct: Some(100.5),
        bars: Some(0),
        sample_map: [("cow/bell".to_owned(), "a".parse().unwrap())].into(),
        ..request("trap_140")
    };
    assert_eq!(pointers(&invalid), ["/bpm", "/swing_pct", "/bars", "/sample_map/cow~1bell"]);
    for bpm in [10_000.0, f64::NAN, -90.0, f64::INFINITY] {
        assert_eq!(pointers(&PatternRequest { bpm: Some(bpm), ..request("trap_140") }), ["/bpm"]);
    }
    for swing in [-0.1, f64::NAN] {
        assert_eq!(
            pointers(&PatternRequest { swing_pct: Some(swing), ..request("trap_140") }),
            ["/swing_pct"]
        );
    }
    for bars in [-1, 1_025, i64::MAX] {
        assert_eq!(pointers(&PatternRequest { bars: Some(bars), ..request("trap_140") }), ["/bars"]);
    }
    assert!(matches!(Plan::of(&request("polka")), Err(Error::UnknownTemplate(id)) if id == "polka"));
}

#[test]
fn stated_defaults_do_not_change_the_pattern_id() {
    let explicit = PatternRequest {
        bpm: Some(140.0),
        swing_pct: Some(-0.0),
        bars: Some(1),
        user_id: Some("u1".to_owned()),
        ..request("trap_140")
    };
    let plain = pattern(&request("trap_140"));
    assert_eq!(pattern(&explicit), plain);
    for other in [
        PatternRequest { bpm: Some(140.5), ..explicit.clone() },
        PatternRequest { swing_pct: Some(1.0), ..explicit.clone() },
        PatternRequest { bars: Some(2), ..explicit.clone() },
        PatternRequest { seed: Some(0), ..explicit.clone() },
        PatternRequest { sample_map: [("hat".to_owned(), "b".parse().unwrap())].into(), ..explicit.clone() },
    ] {
        assert_ne!(pattern(&other).pattern_id, plain.pattern_id, "{other:?}");
    }
}

#[test]
fn a_seed_moves_hits_a_little_and_no_seed_does_not() {
    let plain = pattern(&PatternRequest { bars: Some(4), ..request("boom_bap_90") });
    let seeded = PatternRequest { bars: Some(4), seed: Some(7), ..request("boom_bap_90") };
    let moved = pattern(&seeded);
    for role in ["kick", "snare", "hat"] {
        let apart: Vec<i64> =
            starts(&plain, role).iter().zip(starts(&moved, role)).map(|(a, b)| (a - b).abs()).collect();
        assert!(apart.iter().all(|apart| *apart <= 8_000), "{role}: {apart:?}");
        assert!(apart.iter().any(|apart| *apart > 0), "{role}");
    }
    assert!(moved.clips.iter().all(|clip| clip.gain_db <= 0.0 && clip.gain_db > -6.0));
    assert_ne!(pattern(&PatternRequest { seed: Some(8), ..seeded.clone() }).clips, moved.clips);

    let mut kicks = seeded;
    kicks.sample_map.retain(|role, _| role == "kick");
    assert_eq!(starts(&pattern(&kicks), "kick"), starts(&moved, "kick"), "regardless of the other roles");
}

fn any_request() -> impl Strategy<Value = PatternRequest> {
    let template = (0..TEMPLATES.len()).prop_map(|index| TEMPLATES[index].template_id);
    let samples = prop::sample::subsequence(vec!["kick", "snare", "hat"], 0..=3);
    let numbers = (1.0..=1_000.0, 0.0..=100.0, 1_i64..=40, prop::option::of(any::<i64>()));
    (template, samples, numbers).prop_map(|(template, roles, (bpm, swing_pct, bars, seed))| {
        let mut request = request(template);
        request.sample_map.retain(|role, _| roles.contains(&role.as_str()));
        PatternRequest { bpm: Some(bpm), swing_pct: Some(swing_pct), bars: Some(bars), seed, ..request }
    })
}

proptest! {
    #[test]
    fn clips_are_sorted_and_inside_the_pattern(request in any_request()) {
        let plan = Plan::of(&request).unwrap();
        let pattern = plan.timeline();
        prop_assert!(pattern.clips.is_sorted_by_key(|clip| clip.start));
        for clip in &pattern.clips {
            let start = clip.start.since_zero();
            prop_assert!(MediaTime::ZERO <= start && start < plan.length());
            prop_assert!((-60.0..=0.0).contains(&clip.gain_db));
        }
    }

    /// The formula in `docs/patterns.md`, in exact arithmetic.
    #[test]
    fn starts_follow_the_formula(request in any_request(), bar in 0_i64..40) {
        let request = PatternRequest { seed: None, bars: Some(bar + 1), ..request };
        let plan = Plan::of(&request).unwrap();
        let (bpm, swing_pct) = (request.bpm.unwrap(), request.swing_pct.unwrap());
        let step_ms = 60_000.0 / bpm / 4.0;
        for step in 0..16 {
            let index = bar * 16 + step;
            let late = if step % 2 == 1 { swing_pct / 100.0 * step_ms * 0.5 } else { 0.0 };
            let expected_us = (index as f64 * step_ms + late) * 1_000.0;
            let start = plan.bpm.at_beat(plan.beat_of(u32::try_from(index).unwrap())).as_micros();
            prop_assert!((start as f64 - expected_us).abs() <= 0.501, "{start} {expected_us}");
        }
    }

    #[test]
    fn the_same_request_gives_the_same_bytes_also_after_storage(request in any_request()) {
        let text = serde_json::to_string(&pattern(&request)).unwrap();
        prop_assert_eq!(&serde_json::to_string(&pattern(&request.clone())).unwrap(), &text);
        let read: PatternTimeline = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }
}
