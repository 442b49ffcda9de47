//! The program's memory allocator: the system's, with small blocks and buffers kept by the thread that freed them.
//!
//! A request of the API server takes and frees hundreds of small blocks, most of all nodes of maps (632 bytes). The C
//! library keeps seven blocks of a size for each thread and searches its shared lists for all others, which was a sixth
//! of what a create costs. Here a thread keeps up to [`KEPT`] bytes of each size, so nearly every request of memory is
//! answered from a list of its own. Of larger blocks those are kept whose size is a power of two, up to 64 KiB, as
//! buffers that grow have it: what another thread freed goes back with a lock.
//!
//! Deliberately not here: other large blocks, blocks of unusual alignment, and lists that threads share. What a thread
//! keeps is given back when it ends.

#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

mod cache;

use cache::CACHE;
use std::alloc::{GlobalAlloc, Layout, System};

/// Most bytes that a thread keeps of one size.
pub const KEPT: usize = 64 * 1024;
/// Sizes are rounded up to multiples of this, which is also the alignment of all blocks that are kept.
const STEP: usize = 16;
/// The largest of the blocks that are kept whatever their size.
const LARGEST: usize = 2048;
/// Above it blocks of these sizes are kept, to which buffers grow: each twice the one before.
const BUFFERS: usize = 5;
/// How many sizes there are.
const CLASSES: usize = LARGEST / STEP + BUFFERS;

/// The allocator. It has no state of its own: that is each thread's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pool;

/// Which of the kept sizes a block has, if it has one.
fn class_of(layout: Layout) -> Option<usize> {
    let size = layout.size();
    if size == 0 || layout.align() > STEP {
        None
    } else if size <= LARGEST {
        Some((size - 1) / STEP)
    } else if size.is_power_of_two() && size <= LARGEST << BUFFERS {
        Some(LARGEST / STEP + (size / LARGEST).ilog2() as usize - 1)
    } else {
        None
    }
}

/// The size of the blocks of a class.
const fn size_of(class: usize) -> usize {
    match class.checked_sub(LARGEST / STEP) {
        None => (class + 1) * STEP,
        Some(buffer) => LARGEST << (buffer + 1),
    }
}

/// What the system is asked for in the place of a block of this class.
fn layout_of(class: usize) -> Layout {
    const { assert!(STEP.is_power_of_two() && LARGEST.is_multiple_of(STEP) && LARGEST.is_power_of_two()) };
    // SAFETY: the alignment is a power of two, and sizes are far from overflowing when they are rounded up to it.
    unsafe { Layout::from_size_align_unchecked(size_of(class), STEP) }
}

// SAFETY: every block comes from `System`, with the layout that the caller asked for or with that of its class, which
// depends on the caller's layout alone: so it is at least as large and as aligned as asked, and goes back to `System`
// with the layout it came with. A block in a list is in no one's hands.
unsafe impl GlobalAlloc for Pool {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = class_of(layout) else {
            // SAFETY: as our caller promised.
            return unsafe { System.alloc(layout) };
        };
        match CACHE.try_with(|cache| cache.take(class)) {
            Ok(Some(block)) => block.as_ptr(),
            // SAFETY: the size of a class is not 0.
            _ => unsafe { System.alloc(layout_of(class)) },
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(class) = class_of(layout) else {
            // SAFETY: as our caller promised, and blocks without a class come from `System` as they are.
            return unsafe { System.dealloc(block, layout) };
        };
        // SAFETY: the block is of this class, and its owner has just let go of it.
        let kept = CACHE.try_with(|cache| unsafe { cache.keep(class, block) });
        if !matches!(kept, Ok(true)) {
            // SAFETY: blocks of a class come from `System` with this layout, whatever list they were in.
            unsafe { System.dealloc(block, layout_of(class)) }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if class_of(layout).is_none() {
            // SAFETY: as our caller promised.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: as our caller promised; a block that is there has at least the size of the layout.
        unsafe {
            let block = self.alloc(layout);
            if !block.is_null() {
                block.write_bytes(0, layout.size());
            }
            block
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: our caller promised that the size, rounded up to the alignment, does not overflow.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (class_of(layout), class_of(wanted)) {
            // SAFETY: as our caller promised, and both are `System`'s own.
            (None, None) => unsafe { System.realloc(block, layout, size) },
            (from, to) if from == to => block,
            // SAFETY: as our caller promised; the blocks are different ones, each at least as large as what is copied.
            _ => unsafe {
                let moved = self.alloc(wanted);
                if !moved.is_null() {
                    moved.copy_from_nonoverlapping(block, layout.size().min(size));
                    self.dealloc(block, layout);
                }
                moved
            },
        }
    }
}

#[cfg(test)]
mod tests;
