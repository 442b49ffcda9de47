//! Finds a field of a type by its name: a table with open addressing, since most of what reads an object asks it for each
//! key, and a search among sorted names compares several of them.

/// Where nothing stands.
const FREE: u16 = u16::MAX;

/// Numbers of fields, each at the place that its name leads to, or at the next free one.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// A power of two of them, at most half of which are taken; none if there is no field.
    slots: Box<[u16]>,
}

impl Places {
    /// A table of names, each there once.
    pub(super) fn of<'a>(names: impl ExactSizeIterator<Item = (u16, &'a str)>) -> Places {
        if names.len() == 0 {
            return Places::default();
        }
        let mut places = Places { slots: vec![FREE; (names.len() * 2).next_power_of_two()].into() };
        for (number, name) in names {
            let free = places.walk(name).find(|&slot| places.slots[slot] == FREE);
            places.slots[free.expect("half of the slots are free")] = number;
        }
        places
    }

    /// The number of the field that is called so; `is_it` compares.
    pub(super) fn find(&self, name: &str, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let taken = self.walk(name).map(|slot| self.slots[slot]).take_while(|number| *number != FREE);
        taken.map(usize::from).find(|number| is_it(*number))
    }

    /// All slots, from the one on that a name leads to.
    fn walk(&self, name: &str) -> impl Iterator<Item = usize> + use<> {
        let count = self.slots.len();
        let mask = count.wrapping_sub(1);
        let start = mix(name.as_bytes());
        (0..count).map(move |step| start.wrapping_add(step) & mask)
    }
}

/// Spreads names; they are those of schemas, so nobody gains from choosing them badly.
fn mix(bytes: &[u8]) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let step = |hash: u64, word: &[u8; 8]| (hash.rotate_left(5) ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR);
    let hash = words.iter().chain([&last]).fold(bytes.len() as u64, step);
    (hash >> 40) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        for count in [0_u16, 1, 2, 3, 64, 500] {
            let names: Vec<String> = (0..count).map(|number| format!("field{number}")).collect();
            let places = Places::of(names.iter().enumerate().map(|(at, name)| (at as u16, name.as_str())));
            let find = |name: &str| places.find(name, |at| names[at] == name);
            for (at, name) in names.iter().enumerate() {
                assert_eq!(find(name), Some(at));
            }
            assert_eq!(find("other"), None);
            assert_eq!(find(""), None);
        }
    }
}
