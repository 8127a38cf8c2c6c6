use serde::Serialize;
use utoipa::ToSchema;

/// Number of steps in a beat: sixteenth notes.
pub const STEPS_PER_BEAT: u32 = 4;
/// Number of steps in a bar of four beats.
pub const STEPS_PER_BAR: u32 = 4 * STEPS_PER_BEAT;

/// A bar of steps for several roles, with its default tempo and swing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Template {
    /// Name of the template in a request.
    pub template_id: &'static str,
    /// Tempo in beats per minute, if the request has none.
    pub bpm: f64,
    /// Swing in per cent, if the request has none.
    pub swing_pct: f64,
    /// The steps of each role. Clips with equal starts have this order.
    pub parts: &'static [TemplatePart],
}

/// The steps of one role.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Part)]
pub struct TemplatePart {
    /// The key of the role's sample in `sample_map`.
    pub role: &'static str,
    /// Steps of the bar, 0 to 15.
    pub steps: &'static [u32],
    /// Velocity of the hits: 1 plays the sample at its own level.
    pub velocity: f64,
}

const EVERY_STEP: &[u32] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// All templates, by name in requests.
pub const TEMPLATES: &[Template] = &[
    Template {
        template_id: "four_on_the_floor",
        bpm: 124.0,
        swing_pct: 0.0,
        parts: &[
            TemplatePart { role: "kick", steps: &[0, 4, 8, 12], velocity: 1.0 },
            TemplatePart { role: "snare", steps: &[4, 12], velocity: 0.9 },
            TemplatePart { role: "hat", steps: &[2, 6, 10, 14], velocity: 0.7 },
        ],
    },
    Template {
        template_id: "boom_bap_90",
        bpm: 90.0,
        swing_pct: 25.0,
        parts: &[
            TemplatePart { role: "kick", steps: &[0, 2, 7, 10], velocity: 1.0 },
            TemplatePart { role: "snare", steps: &[4, 12], velocity: 1.0 },
            TemplatePart { role: "hat", steps: EVERY_STEP, velocity: 0.6 },
        ],
    },
    Template {
        template_id: "trap_140",
        bpm: 140.0,
        swing_pct: 0.0,
        parts: &[
            TemplatePart { role: "kick", steps: &[0, 8], velocity: 1.0 },
            TemplatePart { role: "snare", steps: &[8], velocity: 1.0 },
            TemplatePart { role: "hat", steps: EVERY_STEP, velocity: 0.8 },
        ],
    },
];

impl Template {
    /// The template with this name.
    pub(crate) fn find(template_id: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.template_id == template_id)
    }

    /// The names of all templates, separated by commas, for messages.
    pub(crate) fn names() -> String {
        TEMPLATES.iter().map(|template| template.template_id).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn has_role(&self, role: &str) -> bool {
        self.parts.iter().any(|part| part.role == role)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn templates_have_unique_roles_and_ascending_steps() {
        for (index, template) in TEMPLATES.iter().enumerate() {
            assert_eq!(Template::find(template.template_id), Some(&TEMPLATES[index]));
            let roles: HashSet<_> = template.parts.iter().map(|part| part.role).collect();
            assert_eq!(roles.len(), template.parts.len(), "{template:?}");
            for part in template.parts {
                assert!(part.steps.is_sorted_by(|a, b| a < b), "{part:?}");
                assert!(part.steps.iter().all(|step| *step < STEPS_PER_BAR), "{part:?}");
            }
        }
        assert_eq!(Template::find("Trap_140"), None);
    }
}
