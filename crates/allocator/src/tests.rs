//! The allocator under this very test: every size, moved between threads, and what it keeps.

use super::*;
use std::collections::BTreeMap;
use std::sync::mpsc;

#[global_allocator]
static POOL: Pool = Pool;

/// Numbers that look random, the same each time.
fn numbers(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed | 1;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    }
}

#[test]
fn every_size_holds_what_is_written_into_it() {
    let buffers = (0..=BUFFERS + 1).flat_map(|number| (LARGEST << number) - 1..=(LARGEST << number) + 1);
    for size in (1..2100).step_by(7).chain(buffers) {
        let mut blocks: Vec<Vec<u8>> = (0..20).map(|number| vec![number; size]).collect();
        blocks.truncate(10);
        blocks.extend((20..30).map(|number| vec![number; size]));
        for (place, block) in blocks.iter().enumerate() {
            let number = if place < 10 { place } else { place + 10 } as u8;
            assert!(block.len() == size && block.iter().all(|byte| *byte == number), "{size}: {place}");
        }
        assert!(vec![0_u8; size].iter().all(|byte| *byte == 0), "{size}");
    }
}

#[test]
fn a_block_is_as_large_as_its_class_says() {
    let mut classes = Vec::new();
    for size in 1..=(LARGEST << BUFFERS) + 1 {
        let layout = Layout::from_size_align(size, 8).unwrap();
        match class_of(layout) {
            Some(class) => {
                assert!(class < CLASSES && layout_of(class).size() >= size, "{size}");
                assert!(layout_of(class).size() < size + STEP, "{size} wastes memory");
                classes.push(class);
            }
            None => assert!(size > LARGEST && !size.is_power_of_two() || size > LARGEST << BUFFERS, "{size}"),
        }
    }
    classes.dedup();
    assert_eq!(classes, (0..CLASSES).collect::<Vec<_>>());
}

#[test]
fn blocks_are_aligned_as_asked() {
    for align in [1, 2, 4, 8, 16, 32, 64, 4096] {
        for size in [1, 8, 24, 632, 1024, 5000] {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: the size is not 0, and the block goes back with the layout that it came with.
            unsafe {
                let block = POOL.alloc(layout);
                assert_eq!(block.addr() % align, 0, "{size} bytes at {align}");
                POOL.dealloc(block, layout);
            }
        }
    }
}

#[test]
fn growing_and_shrinking_keeps_the_content() {
    let mut random = numbers(7);
    let mut text: Vec<u8> = Vec::new();
    for round in 0..20_000 {
        let length = random(3000);
        while text.len() < length {
            text.push((text.len() % 251) as u8);
        }
        text.truncate(length);
        text.shrink_to(random(3000));
        let probe = random(length.max(1));
        assert!(length == 0 || text[probe] == (probe % 251) as u8, "round {round}");
    }
}

#[test]
fn blocks_may_be_freed_by_another_thread() {
    let (sender, receiver) = mpsc::channel::<BTreeMap<String, Vec<u64>>>();
    let makers: Vec<_> = (0..4_u64)
        .map(|seed| {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut random = numbers(seed);
                for round in 0..500 {
                    let entry = |number: usize| (format!("{seed}-{round}-{number}"), vec![seed; 1 + number % 90]);
                    sender.send((0..random(60)).map(entry).collect()).unwrap();
                }
            })
        })
        .collect();
    drop(sender);
    let mut maps = 0;
    for map in receiver {
        maps += 1;
        for (key, values) in &map {
            let seed: u64 = key.split('-').next().unwrap().parse().unwrap();
            assert!(values.iter().all(|value| *value == seed), "{key}");
        }
    }
    assert_eq!(maps, 2000);
    makers.into_iter().for_each(|maker| maker.join().unwrap());
}

#[test]
fn a_thread_keeps_no_more_than_it_should() {
    let class = class_of(Layout::new::<[u8; 640]>()).unwrap();
    let kept = std::thread::spawn(move || {
        let blocks: Vec<Box<[u8; 640]>> = (0..1000).map(|_| Box::new([1; 640])).collect();
        drop(blocks);
        let mut kept = Vec::with_capacity(1000);
        while let Some(block) = CACHE.with(|cache| cache.take(class)) {
            kept.push(block);
        }
        for block in &kept {
            // SAFETY: it was taken from a list of this class, so it is `System`'s, with this layout.
            unsafe { System.dealloc(block.as_ptr(), layout_of(class)) };
        }
        kept.len()
    });
    assert_eq!(kept.join().unwrap(), KEPT.div_ceil(640));
}
