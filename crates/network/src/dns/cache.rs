//! What other resolvers said, for as long as they allow, and never for longer than half a minute.
//!
//! Two generations: what is asked for stays in the young one; when that is full, the old one is thrown away. So the
//! size is bounded, and nothing is ever searched through.

use super::Reply;
use hickory_server::proto::op::ResponseCode;
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const LONGEST: u32 = 30;
const GENERATION: usize = 5000;

/// What was asked. Names compare without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) name: Name,
    pub(super) kind: RecordType,
    pub(super) secure: bool,
    pub(super) unchecked: bool,
}

#[derive(Clone, Debug)]
struct Kept {
    reply: Reply,
    since: Instant,
    until: Instant,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Question, Kept>,
    old: HashMap<Question, Kept>,
}

#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Generations>);

impl Cache {
    /// An answer that is still good, with what is left of its time.
    pub(super) fn get(&self, question: &Question, now: Instant) -> Option<Reply> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = match all.young.get(question) {
            Some(kept) => kept.clone(),
            None => {
                let kept = all.old.remove(question)?;
                all.insert(question.clone(), kept.clone());
                kept
            }
        };
        if kept.until <= now {
            all.young.remove(question);
            return None;
        }
        let age = u32::try_from(now.saturating_duration_since(kept.since).as_secs()).unwrap_or(u32::MAX);
        let mut reply = kept.reply;
        for record in records(&mut reply) {
            record.ttl = record.ttl.saturating_sub(age);
        }
        Some(reply)
    }

    pub(super) fn put(&self, question: Question, reply: &Reply, now: Instant) {
        let time = lifetime(reply);
        if time > 0 {
            let mut reply = reply.clone();
            for record in records(&mut reply) {
                record.ttl = record.ttl.min(LONGEST);
            }
            let kept = Kept { reply, since: now, until: now + Duration::from_secs(time.into()) };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(question, kept);
        }
    }
}

impl Generations {
    fn insert(&mut self, question: Question, kept: Kept) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(question, kept);
    }
}

fn records(reply: &mut Reply) -> impl Iterator<Item = &mut Record> {
    reply.answers.iter_mut().chain(&mut reply.authorities).chain(&mut reply.additionals)
}

/// For how many seconds an answer is good. One without records lasts as long as the zone's authority says.
fn lifetime(reply: &Reply) -> u32 {
    let nothing = reply.authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
        _ => None,
    });
    let time = match reply.code {
        ResponseCode::NoError if !reply.answers.is_empty() => reply.answers.iter().map(|record| record.ttl).min(),
        ResponseCode::NoError | ResponseCode::NXDomain => nothing,
        _ => None,
    };
    time.unwrap_or(0).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_server::proto::rr::rdata::{A, SOA};
    use std::net::Ipv4Addr;

    fn question(name: &str) -> Question {
        Question { name: Name::from_ascii(name).unwrap(), kind: RecordType::A, secure: false, unchecked: false }
    }

    fn found(ttl: u32) -> Reply {
        let data = RData::A(A(Ipv4Addr::LOCALHOST));
        Reply { answers: vec![Record::from_rdata(Name::root(), ttl, data)], ..Reply::default() }
    }

    fn missing(minimum: u32) -> Reply {
        let soa = SOA::new(Name::root(), Name::root(), 1, 1, 1, 1, minimum);
        let authorities = vec![Record::from_rdata(Name::root(), 3600, RData::SOA(soa))];
        Reply { code: ResponseCode::NXDomain, authorities, ..Reply::default() }
    }

    #[track_caller]
    fn check(reply: &Reply, after: u64, ttl: Option<u32>) {
        let (cache, now) = (Cache::default(), Instant::now());
        cache.put(question("a.test."), reply, now);
        let kept = cache.get(&question("A.TEST."), now + Duration::from_secs(after));
        assert_eq!(kept.map(|mut reply| records(&mut reply).next().unwrap().ttl), ttl);
    }

    #[test]
    fn answers_age_and_end() {
        check(&found(10), 0, Some(10));
        check(&found(10), 4, Some(6));
        check(&found(10), 10, None);
        check(&found(3600), 29, Some(1));
        check(&found(3600), 30, None);
        check(&found(0), 0, None);
        check(&missing(20), 19, Some(11));
        check(&missing(20), 20, None);
        check(&Reply::failure(ResponseCode::ServFail), 0, None);
    }

    #[test]
    fn the_size_is_bounded_and_what_is_used_stays() {
        let (cache, now) = (Cache::default(), Instant::now());
        cache.put(question("used."), &found(30), now);
        for number in 0..GENERATION * 3 {
            cache.put(question(&format!("n{number}.")), &found(30), now);
            assert!(cache.get(&question("used."), now).is_some());
        }
        let all = cache.0.lock().unwrap();
        assert!(all.young.len() + all.old.len() <= 2 * GENERATION);
    }
}
