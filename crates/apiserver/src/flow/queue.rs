//! The queues of one priority level: each flow is dealt a hand of them and waits in the shortest.
//!
//! Whose turn it is follows from virtual time, as in upstream's fair queuing: a queue is as far as the seat-seconds that
//! its requests took, and the one that is least far goes first. What a request takes is known when it ends; until then
//! it is charged a guess.

use std::collections::VecDeque;

/// Seconds that a request is thought to take while it runs.
const GUESS: f64 = 1.0;

/// Queues of waiting `T`s.
#[derive(Debug)]
pub(super) struct Queues<T> {
    queues: Vec<Queue<T>>,
    hand: usize,
    length: usize,
    /// How far the level is: the start of what was dispatched last.
    now: f64,
    waiting: usize,
}

#[derive(Debug)]
struct Queue<T> {
    waiting: VecDeque<(u32, T)>,
    running: u32,
    /// Where its next request starts.
    next: f64,
}

impl<T> Default for Queue<T> {
    fn default() -> Queue<T> {
        Queue { waiting: VecDeque::new(), running: 0, next: 0.0 }
    }
}

impl<T> Queues<T> {
    pub(super) fn new(queues: usize, hand: usize, length: usize) -> Queues<T> {
        let queues = (0..queues.max(1)).map(|_| Queue::default()).collect();
        Queues { queues, hand, length, now: 0.0, waiting: 0 }
    }

    /// Takes other limits over. Queues only grow, so that nobody who waits is forgotten.
    pub(super) fn resize(&mut self, queues: usize, hand: usize, length: usize) {
        (self.hand, self.length) = (hand, length);
        let now = self.now;
        while self.queues.len() < queues {
            self.queues.push(Queue { next: now, ..Queue::default() });
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The queue in which a flow waits now: the shortest of its hand.
    pub(super) fn choose(&self, flow: u64) -> usize {
        let load = |&place: &usize| (self.queues[place].waiting.len(), self.queues[place].running);
        deal(flow, self.hand, self.queues.len()).into_iter().min_by_key(load).unwrap_or_default()
    }

    /// Puts somebody into a queue; gives it back if the queue is full of those whom `is_there` finds still waiting.
    pub(super) fn push(&mut self, place: usize, width: u32, waiter: T, is_there: impl Fn(&T) -> bool) -> Result<(), T> {
        let queue = &mut self.queues[place];
        if queue.waiting.len() >= self.length {
            let before = queue.waiting.len();
            queue.waiting.retain(|(_, waiter)| is_there(waiter));
            self.waiting -= before - queue.waiting.len();
            if queue.waiting.len() >= self.length {
                return Err(waiter);
            }
        }
        queue.next = if queue.is_idle() { queue.next.max(self.now) } else { queue.next };
        queue.waiting.push_back((width, waiter));
        self.waiting += 1;
        Ok(())
    }

    /// The width of whoever is next, and its queue.
    pub(super) fn next(&self) -> Option<(usize, u32)> {
        let busy = self.queues.iter().enumerate().filter(|(_, queue)| !queue.waiting.is_empty());
        let (place, queue) = busy.min_by(|(_, a), (_, b)| a.next.total_cmp(&b.next))?;
        queue.waiting.front().map(|(width, _)| (place, *width))
    }

    /// Takes whoever is next in a queue.
    pub(super) fn pop(&mut self, place: usize) -> Option<T> {
        let (_, waiter) = self.queues.get_mut(place)?.waiting.pop_front()?;
        self.waiting -= 1;
        Some(waiter)
    }

    /// A request of the queue begins.
    pub(super) fn begin(&mut self, place: usize, width: u32) {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(place) else { return };
        queue.next = if queue.is_idle() { queue.next.max(now) } else { queue.next };
        self.now = now.max(queue.next);
        queue.running += 1;
        queue.next += GUESS * f64::from(width);
    }

    /// A request of the queue has ended after `seconds`.
    pub(super) fn end(&mut self, place: usize, width: u32, seconds: f64) {
        let Some(queue) = self.queues.get_mut(place) else { return };
        queue.running = queue.running.saturating_sub(1);
        queue.next -= (GUESS - seconds) * f64::from(width);
    }
}

impl<T> Queue<T> {
    fn is_idle(&self) -> bool {
        self.running == 0 && self.waiting.is_empty()
    }
}

/// Which of `deck` queues a flow is dealt: `hand` different ones.
fn deal(mut flow: u64, hand: usize, deck: usize) -> Vec<usize> {
    let mut dealt: Vec<usize> = Vec::with_capacity(hand);
    for left in (1..=deck).rev().take(hand.clamp(1, deck)) {
        let left = left as u64;
        let mut card = usize::try_from(flow % left).unwrap_or_default();
        flow /= left;
        // The card's place in the deck: those that are gone are skipped.
        let mut gone = dealt.clone();
        gone.sort_unstable();
        for place in gone {
            card += usize::from(card >= place);
        }
        dealt.push(card);
    }
    dealt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_hold_different_queues() {
        for flow in [0, 1, 12345, u64::MAX] {
            let mut hand = deal(flow, 6, 64);
            assert!(hand.iter().all(|&place| place < 64));
            hand.sort_unstable();
            hand.dedup();
            assert_eq!(hand.len(), 6, "{flow}");
        }
        assert_eq!(deal(7, 5, 2).len(), 2);
    }

    #[test]
    fn a_flow_that_took_much_waits_for_one_that_took_little() {
        let mut queues = Queues::new(2, 1, 10);
        for number in 0..4 {
            queues.push(0, 1, ("busy", number), |_| true).unwrap();
        }
        queues.push(1, 1, ("quiet", 0), |_| true).unwrap();
        let mut order = Vec::new();
        while let Some((place, width)) = queues.next() {
            order.push(queues.pop(place).unwrap());
            queues.begin(place, width);
            queues.end(place, width, 0.5);
        }
        assert_eq!(order[..2], [("busy", 0), ("quiet", 0)]);
        assert_eq!(queues.waiting(), 0);
    }

    #[test]
    fn a_full_queue_refuses_and_forgets_who_has_left() {
        let mut queues = Queues::new(1, 1, 2);
        queues.push(0, 1, 1, |_| true).unwrap();
        queues.push(0, 1, 2, |_| true).unwrap();
        assert_eq!(queues.push(0, 1, 3, |_| true), Err(3));
        assert_eq!(queues.push(0, 1, 3, |&waiter| waiter != 1), Ok(()));
        assert_eq!(queues.waiting(), 2);
    }
}
