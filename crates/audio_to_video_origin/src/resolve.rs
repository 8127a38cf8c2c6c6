//! Follows chains of artifacts in memory, after [`store::resolve_origins`](crate::store::resolve_origins) has fetched
//! them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use media_time::{LocalTime, MediaTime, Window};
use media_v2::Meta;
use primitives::Id;
use serde_json::Value;

use crate::{Error, MAX_CHAIN, Origin, ResolvedOrigin};

/// An artifact on a chain.
#[derive(Debug)]
pub(crate) struct Node {
    /// Its own map, the time at which it was first mapped, and the map's meta.
    pub(crate) map: Option<(Origin, DateTime<Utc>, Meta)>,
    /// `meta.upstream_window_ms`, not validated yet.
    pub(crate) upstream_window: Option<Value>,
    /// Its upstream artifacts, in the order in which they were registered.
    pub(crate) upstreams: Vec<Id>,
}

/// Follows chains, with memoization of the results.
#[derive(Debug)]
pub(crate) struct Resolver<'a> {
    nodes: &'a HashMap<Id, Node>,
    found: HashMap<&'a Id, State>,
}

#[derive(Debug)]
enum State {
    /// Being followed: reaching it again means a cycle.
    Entered,
    Followed(Followed),
}

/// The result of following the chain from an artifact.
#[derive(Clone, Debug)]
struct Followed {
    origin: Option<ResolvedOrigin>,
    /// Number of artifacts on the longest path that was followed, including this one.
    height: usize,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(nodes: &'a HashMap<Id, Node>) -> Self {
        Self { nodes, found: HashMap::with_capacity(nodes.len()) }
    }

    /// The origin of `id`, or `None` when neither it nor an upstream artifact has one, or it does not exist.
    pub(crate) fn resolve(&mut self, id: &Id) -> Result<Option<ResolvedOrigin>, Error> {
        Ok(self.follow(id, 1)?.origin)
    }

    /// `length` counts the artifacts from the requested one to this one. Memoized results are held to the same limit,
    /// so that the result does not depend on the order of requests.
    fn follow(&mut self, id: &Id, length: usize) -> Result<Followed, Error> {
        let Some((id, node)) = self.nodes.get_key_value(id) else {
            return Ok(Followed { origin: None, height: 1 });
        };
        if let Some((origin, mapped_at, meta)) = &node.map {
            let (origin, chain, meta) = (origin.clone(), vec![id.clone()], meta.clone());
            let origin = Some(ResolvedOrigin { origin, chain, mapped_at: *mapped_at, meta });
            return Ok(Followed { origin, height: 1 });
        }
        match self.found.get(id) {
            Some(State::Entered) => return Err(Error::OriginCycle(id.clone())),
            Some(State::Followed(found)) if length - 1 + found.height > MAX_CHAIN => {
                return Err(Error::OriginTooDeep(id.clone()));
            }
            Some(State::Followed(found)) => return Ok(found.clone()),
            None => {}
        }
        if length >= MAX_CHAIN && !node.upstreams.is_empty() {
            return Err(Error::OriginTooDeep(id.clone()));
        }
        self.found.insert(id, State::Entered);
        let mut found = Followed { origin: None, height: 1 };
        for upstream in &node.upstreams {
            let above = self.follow(upstream, length + 1)?;
            found.height = found.height.max(above.height + 1);
            if let Some(origin) = above.origin {
                found.origin = Some(made_of(id, node, origin)?);
                break;
            }
        }
        self.found.insert(id, State::Followed(found.clone()));
        Ok(found)
    }
}

/// How far a part may exceed its upstream artifact: both may have been rounded to milliseconds.
const ROUNDING: MediaTime = MediaTime::from_millis(1);

/// The origin of an artifact derived from one with the origin `upstream`.
fn made_of(id: &Id, node: &Node, upstream: ResolvedOrigin) -> Result<ResolvedOrigin, Error> {
    let origin = match &node.upstream_window {
        None | Some(Value::Null) => upstream.origin,
        Some(value) => window(value)
            .filter(|part| part.end() <= upstream.origin.local_end() + ROUNDING)
            .and_then(|part| upstream.origin.part(part))
            .ok_or_else(|| Error::UpstreamWindow(id.clone()))?,
    };
    let chain = std::iter::once(id.clone()).chain(upstream.chain).collect();
    Ok(ResolvedOrigin { origin, chain, mapped_at: upstream.mapped_at, meta: upstream.meta })
}

/// Parses `[start, end]` in milliseconds.
fn window(value: &Value) -> Option<Window<LocalTime>> {
    let [start, end] = value.as_array()?.as_slice() else { return None };
    let time =
        |value: &Value| MediaTime::try_from_millis_f64(value.as_f64()?).ok().filter(|t| !t.is_negative());
    Window::new(LocalTime::at(time(start)?), LocalTime::at(time(end)?)).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use media_time::AssetTime;

    fn id(text: &str) -> Id {
        text.parse().unwrap()
    }

    fn ms(start: i64, end: i64) -> Window<AssetTime> {
        Window::new(AssetTime::from_millis(start), AssetTime::from_millis(end)).unwrap()
    }

    fn mapped(start: i64, end: i64) -> Node {
        let origin = Origin { asset_id: id("film"), window: ms(start, end), clip_offsets: None };
        Node {
            map: Some((origin, DateTime::UNIX_EPOCH, Meta::new())),
            upstream_window: None,
            upstreams: Vec::new(),
        }
    }

    fn made(upstreams: &[&str], window: Option<Value>) -> Node {
        Node {
            map: None,
            upstream_window: window,
            upstreams: upstreams.iter().map(|text| id(text)).collect(),
        }
    }

    fn resolve(nodes: Vec<(&str, Node)>, asked: &str) -> Result<Option<(Window<AssetTime>, String)>, Error> {
        let nodes = nodes.into_iter().map(|(name, node)| (id(name), node)).collect();
        let found = Resolver::new(&nodes).resolve(&id(asked))?;
        let summary = |found: ResolvedOrigin| {
            let chain: Vec<_> = found.chain.iter().map(Id::as_str).collect();
            (found.origin.window, chain.join(" "))
        };
        Ok(found.map(summary))
    }

    #[test]
    fn origin_comes_from_the_first_upstream_that_has_one() {
        let nodes = || {
            vec![
                ("hit", mapped(1_000, 1_500)),
                ("other", mapped(9, 10)),
                ("room", made(&[], None)),
                ("fx", made(&["room", "hit", "other"], None)),
                ("norm", made(&["fx"], Some(json!([100, 200.5])))),
            ]
        };
        let found = resolve(nodes(), "norm").unwrap().unwrap();
        let end = AssetTime::from_micros(1_200_500);
        assert_eq!(
            found,
            (Window::new(AssetTime::from_millis(1_100), end).unwrap(), "norm fx hit".to_owned())
        );
        assert_eq!(resolve(nodes(), "hit").unwrap().unwrap().1, "hit");
        assert_eq!(resolve(nodes(), "room").unwrap(), None);
        assert_eq!(resolve(nodes(), "unknown").unwrap(), None);
    }

    #[test]
    fn origin_cycle_is_rejected_unless_a_map_ends_it() {
        let cycle = || vec![("a", made(&["b"], None)), ("b", made(&["c"], None)), ("c", made(&["a"], None))];
        assert!(matches!(resolve(cycle(), "b"), Err(Error::OriginCycle(id)) if id.as_str() == "b"));
        let mut mended = cycle();
        mended[2].1 = mapped(0, 1);
        assert_eq!(resolve(mended, "a").unwrap().unwrap().1, "a b c");
    }

    /// `n0` is derived from `n1`, and so on; the last of `length` has a map if `is_mapped`.
    fn chain(length: usize, is_mapped: bool) -> HashMap<Id, Node> {
        let last = if is_mapped { mapped(0, 1) } else { made(&[], None) };
        let link = |index: usize| (id(&format!("n{index}")), made(&[&format!("n{}", index + 1)], None));
        (0..length - 1).map(link).chain([(id(&format!("n{}", length - 1)), last)]).collect()
    }

    #[test]
    fn origin_chain_length_is_limited() {
        let resolve = |length| Resolver::new(&chain(length, true)).resolve(&id("n0"));
        assert!(resolve(MAX_CHAIN).unwrap().is_some());
        assert!(matches!(resolve(MAX_CHAIN + 1), Err(Error::OriginTooDeep(_))));
    }

    #[test]
    fn origin_chain_limit_is_independent_of_request_order() {
        for is_mapped in [true, false] {
            let nodes = chain(MAX_CHAIN + 1, is_mapped);
            for near in ["n1", "n40"] {
                let mut resolver = Resolver::new(&nodes);
                assert_eq!(resolver.resolve(&id(near)).unwrap().is_some(), is_mapped);
                let far = resolver.resolve(&id("n0"));
                assert!(matches!(far, Err(Error::OriginTooDeep(_))), "after {near}: {far:?}");
            }
        }
    }

    #[test]
    fn origin_chain_visits_each_artifact_once() {
        // A ladder with 2^40 paths.
        let rungs = (0..40).map(|rung| {
            let next = format!("n{}", rung + 1);
            (format!("n{rung}"), made(&[&next, &next], None))
        });
        let nodes: HashMap<Id, Node> = rungs.map(|(name, node)| (id(&name), node)).collect();
        assert_eq!(Resolver::new(&nodes).resolve(&id("n0")).unwrap(), None);
    }

    #[test]
    fn upstream_window_must_be_inside_the_upstream() {
        for value in [
            json!([1]),
            json!("1-2"),
            json!([5, 4]),
            json!([-1, 4]),
            json!([500, 600]),
            json!([0, 0]),
            json!([100, 501.001]),
            json!([100, 99_999]),
        ] {
            let nodes = vec![("hit", mapped(0, 500)), ("cut", made(&["hit"], Some(value.clone())))];
            assert!(matches!(resolve(nodes, "cut"), Err(Error::UpstreamWindow(_))), "{value}");
        }
        let nodes = vec![("hit", mapped(0, 500)), ("cut", made(&["hit"], Some(Value::Null)))];
        assert_eq!(resolve(nodes, "cut").unwrap().unwrap().0, ms(0, 500));
        // A length that was rounded up.
        let nodes = vec![("hit", mapped(0, 500)), ("cut", made(&["hit"], Some(json!([100, 501]))))];
        assert_eq!(resolve(nodes, "cut").unwrap().unwrap().0, ms(100, 500));
    }
}
