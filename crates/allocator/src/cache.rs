//! What one thread keeps: for each size a list of free blocks, each of which holds the next.

use super::{CLASSES, KEPT, layout_of};
use std::alloc::{GlobalAlloc, System};
use std::cell::Cell;
use std::ptr::NonNull;

thread_local! {
    pub(crate) static CACHE: Cache = const { Cache { lists: [const { List::new() }; CLASSES] } };
}

/// The free blocks of a thread, by class.
pub(crate) struct Cache {
    lists: [List; CLASSES],
}

/// Free blocks of one class.
struct List {
    first: Cell<Option<NonNull<u8>>>,
    count: Cell<usize>,
}

impl List {
    const fn new() -> List {
        List { first: Cell::new(None), count: Cell::new(0) }
    }
}

impl Cache {
    /// A block of this class, if there is one.
    pub(crate) fn take(&self, class: usize) -> Option<NonNull<u8>> {
        let list = self.lists.get(class)?;
        let block = list.first.get()?;
        // SAFETY: blocks in a list are nobody else's, large enough for a pointer, and hold the one behind them.
        list.first.set(unsafe { block.cast::<Option<NonNull<u8>>>().read() });
        list.count.set(list.count.get() - 1);
        Some(block)
    }

    /// Puts a block into the list of its class; false if there are enough of them.
    ///
    /// # Safety
    /// The block is one of `System`, with the layout of the class, and nobody uses it any more.
    pub(crate) unsafe fn keep(&self, class: usize, block: *mut u8) -> bool {
        let (Some(list), Some(block)) = (self.lists.get(class), NonNull::new(block)) else { return false };
        if list.count.get() * layout_of(class).size() >= KEPT {
            return false;
        }
        // SAFETY: the block is ours now, aligned for a pointer and large enough for one.
        unsafe { block.cast::<Option<NonNull<u8>>>().write(list.first.get()) };
        list.first.set(Some(block));
        list.count.set(list.count.get() + 1);
        true
    }
}

impl Drop for Cache {
    /// The thread ends: what it kept goes back.
    fn drop(&mut self) {
        for class in 0..CLASSES {
            while let Some(block) = self.take(class) {
                // SAFETY: blocks in a list come from `System` with the layout of their class.
                unsafe { System.dealloc(block.as_ptr(), layout_of(class)) };
            }
        }
    }
}
