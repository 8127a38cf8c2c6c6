//! How much of each hop of an edit a placed source explains.

use std::ops::Range;

use media_time::{MediaTime, Window};

use crate::RATE;
use crate::interpolation::Interpolator;
use crate::samples::{Samples, Sources, part};

/// Samples of a hop: 5 ms.
pub(super) const HOP: usize = 80;
/// Hops on either side that have the same gain: 30 ms.
const NEIGHBOURS: usize = 6;
/// Hops that are read at once: 5 s.
const BATCH: usize = 1_000;
/// First-order pre-emphasis: without it, low frequencies alone decide, and they change slowly.
const EMPHASIS: f32 = 0.95;
/// Part of a source's mean power below which a hop of it is a pause: −30 dB.
const PAUSE: f32 = 1e-3;
/// Hops whose mean power is below this after pre-emphasis are silent: about −70 dBFS.
const SILENCE: f32 = 1e-8;

/// A source placed under an edit: sample `n` of the edit is sample `offset + speed × n` of the source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    pub(super) source_id: i64,
    pub(super) offset: f64,
    pub(super) speed: f64,
    /// Hops of the edit at which the source may be present.
    pub(super) first_hop: usize,
    pub(super) end_hop: usize,
    /// Hops of its match, among these.
    pub(super) matched: (usize, usize),
    pub(super) confidence: f64,
}

impl Placement {
    /// Is `other` the same place, to 1 ms in the middle of it?
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.is_same_at(other, (other.first_hop + other.end_hop) / 2)
    }

    /// Is `other` the same place, to 1 ms in this hop?
    fn is_same_at(&self, other: &Self, hop: usize) -> bool {
        let at = |placement: &Self| placement.offset + placement.speed * (hop * HOP) as f64;
        self.source_id == other.source_id && (at(self) - at(other)).abs() <= 16.0
    }
}

/// Sums over a hop: edit × source, source², edit².
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) product: f32,
    pub(super) source: f32,
    pub(super) edit: f32,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.product += other.product;
        self.source += other.source;
        self.edit += other.edit;
    }

    /// Is the edit silent?
    pub(super) fn is_silent(&self) -> bool {
        self.edit < SILENCE * HOP as f32
    }

    /// Part of the edit's power that the source explains, 0 to 1; 0 for an inverted or silent source.
    pub(super) fn explained(&self) -> f32 {
        if self.product <= 0.0 || self.source < 1e-3 * SILENCE * HOP as f32 || self.edit <= 0.0 {
            return 0.0;
        }
        (self.product / self.source * (self.product / self.edit)).min(1.0)
    }

    /// Power of the edit without the source at this gain, relative to that of the edit: above 1 where the edit does not have
    /// what the source has.
    pub(super) fn rest(&self, gain: f32) -> f32 {
        let floor = SILENCE * HOP as f32;
        let rest = self.edit - 2.0 * gain * self.product + gain * gain * self.source;
        (rest.max(0.0) + floor) / (self.edit + floor)
    }
}

/// The sums of each hop of a placement.
#[derive(Clone, Debug)]
pub(super) struct Presence {
    pub(super) placement: Placement,
    /// Gain of the source, in the hops of its match.
    pub(super) gain: f32,
    hops: Vec<Sums>,
}

/// Levels over several hops.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) gain_db: f64,
    pub(super) residual_db: f64,
}

impl Presence {
    pub(super) fn measure<E: Samples, S: Sources<Error = E::Error>>(
        edit: &mut E,
        sources: &mut S,
        placement: Placement,
    ) -> Result<Self, E::Error> {
        let interpolator = Interpolator::shared();
        let mut hops = Vec::with_capacity(placement.end_hop - placement.first_hop);
        let mut polarity = 0.0;
        let mut first = placement.first_hop;
        while first < placement.end_hop {
            let count = BATCH.min(placement.end_hop - first);
            // One more sample in front, for the pre-emphasis.
            let start = (first * HOP) as i64 - 1;
            let own = part(edit, start, count * HOP + 1)?;
            let place = placement.offset + placement.speed * start as f64;
            let read = place.floor() as i64 - 32;
            let mut source = vec![0.0; ((count * HOP + 1) as f64 * placement.speed) as usize + 96];
            sources.read(placement.source_id, read, &mut source)?;
            let other = interpolator.resample(&source, place - read as f64, placement.speed, own.len());
            let (own, other) = (emphasised(&own), emphasised(&other));
            for (own, other) in own.chunks(HOP).zip(other.chunks(HOP)) {
                let mut sums = Sums::default();
                for (a, b) in own.iter().zip(other) {
                    sums.product += a * b;
                    sums.source += b * b;
                    sums.edit += a * a;
                }
                polarity += f64::from(sums.product);
                hops.push(sums);
            }
            first += count;
        }
        if polarity < 0.0 {
            hops.iter_mut().for_each(|sums| sums.product = -sums.product);
        }
        let (start, end) = placement.matched;
        let matched = hops.get(start - placement.first_hop..end - placement.first_hop).unwrap_or(&hops);
        Ok(Self { placement, gain: typical_gain(matched), hops })
    }

    /// Are all hops of `placement` measured here?
    pub(super) fn covers(&self, placement: &Placement) -> bool {
        self.placement.first_hop <= placement.first_hop && placement.end_hop <= self.placement.end_hop
    }

    /// The gain of the source in a hop and its neighbours.
    pub(super) fn local_gain(&self, hop: usize) -> f32 {
        let sums = self.total(hop.saturating_sub(NEIGHBOURS)..hop + NEIGHBOURS + 1);
        if sums.source > 0.0 { sums.product / sums.source } else { 0.0 }
    }

    /// Is `later` the same place from a hop on, to 1 ms?
    pub(super) fn continues(&self, later: &Self, hop: usize) -> bool {
        self.placement.is_same_at(&later.placement, hop)
    }

    /// Does the source, at its gain, explain more of a part of the edit than it contradicts?
    pub(super) fn explains(&self, part: Window<MediaTime>) -> bool {
        let hop = |time: MediaTime| (time.to_samples(RATE).max(0) as usize).div_ceil(HOP);
        let rest = (hop(part.start())..hop(part.end())).filter_map(|hop| self.at(hop));
        rest.map(|sums| sums.rest(self.gain).ln()).sum::<f32>() < 0.0
    }

    /// The sums of a hop of the edit; `None` outside the placement.
    pub(super) fn at(&self, hop: usize) -> Option<&Sums> {
        self.hops.get(hop.checked_sub(self.placement.first_hop)?)
    }

    /// The sum over some hops.
    pub(super) fn total(&self, hops: Range<usize>) -> Sums {
        let mut total = Sums::default();
        hops.filter_map(|hop| self.at(hop)).for_each(|sums| total.add(sums));
        total
    }

    /// Gain and residual over some hops, without those in which the source is silent; from −120 to 60 dB.
    pub(super) fn level(&self, hops: Range<usize>) -> Level {
        let audible = PAUSE * self.total(hops.clone()).source / hops.len().max(1) as f32;
        let mut total = Sums::default();
        hops.filter_map(|hop| self.at(hop))
            .filter(|sums| sums.source >= audible)
            .for_each(|sums| total.add(sums));
        let decibels = |power: f64| 10.0 * power.clamp(1e-12, 1e6).log10();
        let explained = f64::from(total.explained());
        let gain = if total.source > 0.0 { f64::from(total.product) / f64::from(total.source) } else { 0.0 };
        Level {
            gain_db: decibels(gain * gain),
            residual_db: decibels((1.0 - explained) / explained.max(1e-12)),
        }
    }
}

/// The median of the gains of hops, each of the weight of the source's power that it shows: fades and other audio change
/// few of them.
fn typical_gain(hops: &[Sums]) -> f32 {
    let mut gains: Vec<(f32, f64)> = hops
        .iter()
        .filter(|sums| !sums.is_silent() && sums.explained() > 0.0)
        .map(|sums| (sums.product / sums.source, f64::from(sums.source * sums.explained())))
        .collect();
    gains.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut rest = gains.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let middle = gains.iter().find(|(_, weight)| {
        rest -= weight;
        rest <= 0.0
    });
    middle.map_or(0.0, |(gain, _)| *gain)
}

/// Each sample less a part of the one before it; one fewer.
fn emphasised(samples: &[f32]) -> Vec<f32> {
    samples.windows(2).map(|pair| pair[1] - EMPHASIS * pair[0]).collect()
}
