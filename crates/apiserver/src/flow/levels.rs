//! Priority levels: how many seats each has, who sits, who waits, and what may be borrowed.

use super::queue::Queues;
use object::{Value, View};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most seats that one request takes.
const WIDEST: u32 = 10;

/// All priority levels, and the seats they share.
#[derive(Debug)]
pub(super) struct Levels<T> {
    by_name: BTreeMap<Arc<str>, Level<T>>,
    seats: u32,
}

/// One priority level.
#[derive(Debug)]
pub(super) struct Level<T> {
    pub(super) uid: Arc<str>,
    limits: Limits,
    /// Seats that are taken.
    pub(super) taken: u32,
    queues: Option<Queues<T>>,
    /// Requests that ran, and that were refused.
    pub(super) dispatched: u64,
    pub(super) refused: u64,
}

/// Who may sit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limits {
    /// Everybody.
    Exempt,
    Limited {
        /// Its own seats.
        own: u32,
        /// Those of them that it does not lend.
        kept: u32,
        /// Own and borrowed.
        most: u32,
        /// The widest request.
        width: u32,
    },
}

/// A place that was given to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) level: Arc<str>,
    pub(super) queue: Option<usize>,
    pub(super) width: u32,
}

/// What becomes of a request that comes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It runs.
    Run(Place),
    /// It waits.
    Wait,
    /// It is refused, and upstream's name of the reason.
    Refuse(&'static str),
}

impl<T> Levels<T> {
    /// Levels that share so many seats.
    pub(super) fn new(seats: u32) -> Levels<T> {
        Levels { by_name: BTreeMap::new(), seats }
    }

    /// Takes over what the objects say. Levels whose objects are gone stay while somebody sits or waits there.
    pub(super) fn configure(&mut self, objects: &[Arc<Value>]) {
        let limited = |object: &Arc<Value>| View::from(&**object).at(&["spec", "limited"]).value().cloned();
        let shares = |limited: &Value| View::from(limited).int("nominalConcurrencyShares").max(0);
        let sum: i64 = objects.iter().filter_map(limited).map(|limited| shares(&limited)).sum();
        let mut named = Vec::new();
        for object in objects {
            let view = View::from(&**object);
            let name: Arc<str> = view.get("metadata").str("name").into();
            let (limits, queues) = self.read(view.get("spec"), sum.max(1));
            let level = self.by_name.entry(name.clone()).or_insert_with(|| Level::new(limits));
            level.uid = view.get("metadata").str("uid").into();
            level.limits = limits;
            level.set_queues(queues);
            named.push(name);
        }
        self.by_name.retain(|name, level| named.contains(name) || level.taken > 0 || level.waiting() > 0);
    }

    fn read(&self, spec: View<'_>, sum: i64) -> (Limits, Option<[usize; 3]>) {
        if spec.str("type") == "Exempt" {
            return (Limits::Exempt, None);
        }
        let limited = spec.get("limited");
        let number = |value: i64| usize::try_from(value).unwrap_or_default();
        let response = limited.get("limitResponse");
        let queuing = response.get("queuing");
        let queues = (response.str("type") == "Queue").then(|| {
            [number(queuing.int("queues")), number(queuing.int("handSize")), number(queuing.int("queueLengthLimit"))]
        });
        let part = |of: u32, shares: i64, sum: i64| {
            let seats =
                (i64::from(of) * shares.max(0)).div_euclid(sum) + i64::from((i64::from(of) * shares.max(0)) % sum > 0);
            u32::try_from(seats).unwrap_or(u32::MAX)
        };
        let own = part(self.seats, limited.int("nominalConcurrencyShares"), sum);
        let lent = part(own, limited.int("lendablePercent"), 100).min(own);
        let most = match limited.opt_int("borrowingLimitPercent") {
            Some(percent) => own.saturating_add(part(own, percent, 100)),
            None => self.seats,
        };
        // A hand of the widest requests takes at most a quarter of the level.
        let hand = u32::try_from(queues.map_or(1, |[_, hand, _]| hand.max(1))).unwrap_or(u32::MAX);
        let width = (own / hand.saturating_mul(4)).clamp(1, WIDEST);
        (Limits::Limited { own, kept: own - lent, most, width }, queues)
    }

    /// A request of a level comes. `flow` tells whose turn it is; `waiter` makes who waits.
    pub(super) fn enter(
        &mut self,
        name: &Arc<str>,
        width: u32,
        flow: u64,
        waiter: impl FnOnce() -> T,
        is_there: impl Fn(&T) -> bool,
    ) -> Outcome {
        let Some(level) = self.by_name.get(name) else { return Outcome::Refuse("concurrency-limit") };
        let width = level.clip(width);
        let queue = level.queues.as_ref().map(|queues| queues.choose(flow));
        if level.waiting() == 0 && self.fits(name, width) {
            return Outcome::Run(self.seat(name, queue, width));
        }
        let Some(level) = self.by_name.get_mut(name) else { return Outcome::Refuse("concurrency-limit") };
        let waits = match (&mut level.queues, queue) {
            (Some(queues), Some(queue)) => queues.push(queue, width, waiter(), is_there).is_ok(),
            _ => false,
        };
        level.refused += u64::from(!waits);
        match (waits, level.queues.is_some()) {
            (true, _) => Outcome::Wait,
            (false, true) => Outcome::Refuse("queue-full"),
            (false, false) => Outcome::Refuse("concurrency-limit"),
        }
    }

    /// The next who may sit down, with its place; `None` if nobody can.
    pub(super) fn next(&mut self) -> Option<(T, Place)> {
        let waiting = self.by_name.iter().filter(|(_, level)| level.waiting() > 0);
        let ready = waiting.filter_map(|(name, level)| {
            let (queue, width) = level.queues.as_ref()?.next()?;
            self.fits(name, width).then(|| (name.clone(), queue, width))
        });
        let (name, queue, width) = ready.into_iter().next()?;
        let waiter = self.by_name.get_mut(&name)?.queues.as_mut()?.pop(queue)?;
        Some((waiter, self.seat(&name, Some(queue), width)))
    }

    /// A request has ended.
    pub(super) fn leave(&mut self, place: &Place, seconds: f64) {
        let Some(level) = self.by_name.get_mut(&place.level) else { return };
        level.taken = level.taken.saturating_sub(place.width);
        if let (Some(queues), Some(queue)) = (&mut level.queues, place.queue) {
            queues.end(queue, place.width, seconds);
        }
    }

    fn seat(&mut self, name: &Arc<str>, queue: Option<usize>, width: u32) -> Place {
        if let Some(level) = self.by_name.get_mut(name) {
            level.taken += width;
            level.dispatched += 1;
            if let (Some(queues), Some(queue)) = (&mut level.queues, queue) {
                queues.begin(queue, width);
            }
        }
        Place { level: name.clone(), queue, width }
    }

    /// Own seats are there for the asking; others are free as far as nobody keeps them or sits there.
    fn fits(&self, name: &str, width: u32) -> bool {
        let Some(level) = self.by_name.get(name) else { return false };
        match level.limits {
            Limits::Exempt => true,
            Limits::Limited { own, most, .. } => {
                let wanted = level.taken.saturating_add(width);
                let others = self.by_name.iter().filter(|(other, _)| ***other != *name);
                wanted <= own
                    || level.taken == 0
                    || wanted <= most && others.map(|(_, other)| other.claimed()).sum::<u32>() + wanted <= self.seats
            }
        }
    }

    /// True if there is such a level.
    pub(super) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The uid of a level.
    pub(super) fn uid(&self, name: &str) -> Arc<str> {
        self.by_name.get(name).map(|level| level.uid.clone()).unwrap_or_default()
    }

    /// All levels, by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Level<T>)> {
        self.by_name.iter()
    }
}

impl<T> Level<T> {
    fn new(limits: Limits) -> Level<T> {
        Level { uid: Arc::default(), limits, taken: 0, queues: None, dispatched: 0, refused: 0 }
    }

    fn set_queues(&mut self, wanted: Option<[usize; 3]>) {
        match (&mut self.queues, wanted) {
            (Some(queues), Some([number, hand, length])) => queues.resize(number, hand, length),
            (queues @ None, Some([number, hand, length])) => *queues = Some(Queues::new(number, hand, length)),
            // Those who wait are served before the queues go.
            (queues, None) if queues.as_ref().is_none_or(|queues| queues.waiting() == 0) => *queues = None,
            (Some(_), None) | (None, None) => {}
        }
    }

    fn clip(&self, width: u32) -> u32 {
        match self.limits {
            Limits::Exempt => width,
            Limits::Limited { width: widest, .. } => width.clamp(1, widest),
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.queues.as_ref().map_or(0, Queues::waiting)
    }

    /// Its own seats.
    pub(super) fn own(&self) -> u32 {
        match self.limits {
            Limits::Exempt => 0,
            Limits::Limited { own, .. } => own,
        }
    }

    /// Seats that others cannot have. Those who are exempt take nothing from anybody.
    fn claimed(&self) -> u32 {
        match self.limits {
            Limits::Exempt => 0,
            Limits::Limited { kept, .. } => self.taken.max(kept),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    fn level(name: &str, shares: i64, lendable: i64, queued: bool) -> Arc<Value> {
        let response = if queued {
            json!({"type": "Queue", "queuing": {"queues": 4, "handSize": 1, "queueLengthLimit": 2}})
        } else {
            json!({"type": "Reject"})
        };
        Arc::new(json!({"metadata": {"name": name, "uid": name}, "spec": {"type": "Limited", "limited": {
            "nominalConcurrencyShares": shares, "lendablePercent": lendable, "limitResponse": response}}}))
    }

    fn levels(objects: &[Arc<Value>], seats: u32) -> Levels<u32> {
        let mut levels = Levels::new(seats);
        levels.configure(objects);
        levels
    }

    fn enter(levels: &mut Levels<u32>, name: &str) -> Result<Place, &'static str> {
        match levels.enter(&name.into(), 1, 0, || 7, |_| true) {
            Outcome::Run(place) => Ok(place),
            Outcome::Wait => Err("waits"),
            Outcome::Refuse(why) => Err(why),
        }
    }

    #[test]
    fn a_level_without_queues_refuses_when_it_is_full() {
        let mut levels = levels(&[level("a", 1, 0, false), level("b", 1, 0, false)], 4);
        let place = enter(&mut levels, "a").unwrap();
        enter(&mut levels, "a").unwrap();
        assert_eq!(enter(&mut levels, "a"), Err("concurrency-limit"));
        assert!(enter(&mut levels, "b").is_ok());
        levels.leave(&place, 0.1);
        assert!(enter(&mut levels, "a").is_ok());
    }

    #[test]
    fn what_a_level_does_not_need_is_lent_and_what_it_keeps_is_not() {
        let mut levels = levels(&[level("a", 1, 0, false), level("b", 1, 50, false)], 8);
        for _ in 0..6 {
            enter(&mut levels, "a").unwrap();
        }
        assert_eq!(enter(&mut levels, "a"), Err("concurrency-limit"));
        for _ in 0..4 {
            enter(&mut levels, "b").unwrap();
        }
        assert_eq!(enter(&mut levels, "b"), Err("concurrency-limit"));
    }

    #[test]
    fn who_waits_is_called_when_a_seat_is_free() {
        let mut levels = levels(&[level("a", 1, 0, true)], 1);
        let place = enter(&mut levels, "a").unwrap();
        assert_eq!(enter(&mut levels, "a"), Err("waits"));
        assert_eq!(enter(&mut levels, "a"), Err("waits"));
        assert_eq!(enter(&mut levels, "a"), Err("queue-full"));
        assert!(levels.next().is_none());
        levels.leave(&place, 0.1);
        let (waiter, place) = levels.next().unwrap();
        assert_eq!((waiter, place.width), (7, 1));
        assert!(levels.next().is_none());
    }

    #[test]
    fn other_limits_keep_who_sits() {
        let mut levels = levels(&[level("a", 1, 0, true)], 2);
        let place = enter(&mut levels, "a").unwrap();
        levels.configure(&[level("b", 1, 0, false)]);
        assert_eq!(levels.iter().count(), 2);
        levels.leave(&place, 0.1);
        levels.configure(&[level("b", 1, 0, false)]);
        assert_eq!(levels.iter().count(), 1);
    }
}
