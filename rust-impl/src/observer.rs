// SPDX-License-Identifier: GPL-2.0
//! What a run shows besides its state: WARNs and calls, in order.

use alloc::vec::Vec;

use crate::page::PageState;
use crate::site::Site;

/// A call into the rest of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Call {
    /// `__folio_put`, in the series `__put_page`: the last reference is gone, the folio is freed.
    FolioPut,
    /// `folio_mark_dirty`, `set_page_dirty`.
    FolioMarkDirty,
    /// `__folio_lock`, `__lock_page`: the lock was taken, wait for it.
    FolioLock,
    /// `folio_unlock`, `unlock_page`.
    FolioUnlock,
    /// `wake_up_var` of the reference count.
    WakeUpVar,
    /// `free_devmap_managed_page`: the driver has its page back.
    FreeDevmapManaged,
    /// `mlock_vma_page`.
    MlockVmaPage,
}

/// Who watches.  BUG and memory faults are not told here: they are the
/// [`Stop`](crate::Stop) that the function gives back.
pub trait Observer {
    /// A WARN was hit.
    fn warn(&mut self, site: Site);

    /// A call is about to happen; `page` is as it is before the call's effect.
    fn call(&mut self, call: Call, page: PageState);
}

/// Watches nothing.
impl Observer for () {
    fn warn(&mut self, _: Site) {}
    fn call(&mut self, _: Call, _: PageState) {}
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A WARN was hit.
    Warn(Site),
    /// A call, with its page at that time.
    Call(Call, PageState),
}

/// Keeps all events.
#[derive(Clone, Debug, Default)]
pub struct Events(pub Vec<Event>);

impl Observer for Events {
    fn warn(&mut self, site: Site) {
        self.0.push(Event::Warn(site));
    }

    fn call(&mut self, call: Call, page: PageState) {
        self.0.push(Event::Call(call, page));
    }
}

impl Events {
    /// The sites of the WARNs, in order.
    pub fn warns(&self) -> Vec<Site> {
        self.0
            .iter()
            .filter_map(|event| match event {
                Event::Warn(site) => Some(*site),
                Event::Call(..) => None,
            })
            .collect()
    }

    /// The calls, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.0
            .iter()
            .filter_map(|event| match event {
                Event::Call(call, _) => Some(*call),
                Event::Warn(_) => None,
            })
            .collect()
    }
}
