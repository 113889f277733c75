//! Who owns whom: the tree of groups.
//!
//! A *family* holds what one fiber spawned; a *scope* what was started inside a `scope` block;
//! the *root* everything. A group lives (`live > 0`) while its own fiber or body runs or anything
//! in it lives; its end is one decrement in its parent, so a spawn touches only its own group's
//! counter and never a global one.
//!
//! Cancelling a group must reach its members. Parked ones are found by a list, into which a fiber
//! is linked when it first parks; unstarted, ready and running ones look at the flags of the
//! groups above them when a global cancellation epoch tells them to. So a task that never parks
//! is never linked.

use crate::blocks;
use crate::counted::{Counted, Ref};
use crate::fiber::{Fiber, FiberRef};
use crate::payload::Outcome;
use crate::prim::{AtomicBool, AtomicUsize, Mutex, Ordering};
use crate::sched::Place;
pub(crate) use crate::sched::cancel::cancel_all;
use crate::sched::pool::Pool;
use crate::sched::shared::Shared;
use crate::sched::state::Asked;
use crate::sched::trace_hash::{ROOT_PATH, mix};
use crate::sync::wait_queue::{WaitQueue, Waiter};
use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// Ended ancestors are kept in paths down to this depth.
const KEEP_DEPTH: u32 = 64;

/// The count of the fiber whose family or scope a group is: more than all members together.
const OWN: usize = 1 << 40;
/// What a group stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Root,
    Family,
    Scope,
    /// What a fiber starts while cancellation is shut out (`defer`, `finally`): it is counted in
    /// the group around it, but not cancelled with it.
    Shield,
}

/// A member that cancellation must be able to find.
#[derive(Clone, Debug)]
pub(crate) enum Member {
    Fiber(FiberRef),
    Group(Ref<Group>),
}

#[derive(Debug, Default)]
struct Inner {
    members: Vec<Option<Member>>,
    free: Vec<u32>,
    failure: Option<Outcome>,
    ended: bool,
    waiters: WaitQueue,
    /// Of a scope that has not been left: its fiber.
    body: Option<FiberRef>,
}

/// A node of the ownership tree.
#[derive(Debug)]
pub(crate) struct Group {
    references: AtomicU32,
    shared: *const Shared,
    /// Only the root holds it; every group holds its parent.
    keep: Option<Arc<Shared>>,
    parent: Option<Ref<Group>>,
    pub(crate) kind: Kind,
    /// Of the fiber whose family this is.
    ordinal: u32,
    depth: u32,
    path_hash: u64,
    pub(crate) site: u64,
    /// Where tasks run that are started in a scope which says so.
    pub(crate) pool: Option<Arc<Pool>>,
    live: AtomicUsize,
    /// Members that the owner has counted in, less those it has counted out. The owner's alone.
    own_members: UnsafeCell<usize>,
    pub(super) cancelled: AtomicBool,
    /// Its fiber has ended; it lives on for what that has started.
    orphaned: AtomicBool,
    linked: AtomicBool,
    link_key: AtomicUsize,
    /// Made when it is first needed: most families have no list.
    inner: Mutex<Option<Box<Inner>>>,
}

// SAFETY: `shared` points into the `Arc` the root keeps, and every group keeps the root alive.
unsafe impl Send for Group {}
// SAFETY: as above; `own_members` is touched only by the thread that runs the owner; the rest is
// atomics and a lock.
unsafe impl Sync for Group {}

// SAFETY: `references` is the group's own count.
unsafe impl Counted for Group {
    fn count(&self) -> &AtomicU32 {
        &self.references
    }

    unsafe fn destroy(at: NonNull<Group>) {
        // SAFETY: the last reference is gone; the memory came from `into_ref`.
        unsafe {
            at.drop_in_place();
            blocks::give(at.cast(), size_of::<Group>());
        }
    }
}

impl Group {
    /// Around everything. Its one member so far is the main task.
    pub(crate) fn root(shared: Arc<Shared>) -> Ref<Group> {
        let raw = Arc::as_ptr(&shared);
        Group::make(raw, Some(shared), None, Kind::Root, 0, 0, 1).into_ref()
    }

    fn into_ref(self) -> Ref<Group> {
        let at = blocks::take(size_of::<Group>()).cast::<Group>();
        // SAFETY: a fresh block of this size, and a fresh group.
        unsafe {
            at.write(self);
            Ref::from_raw(at.as_ptr())
        }
    }

    fn make(
        shared: *const Shared,
        keep: Option<Arc<Shared>>,
        parent: Option<Ref<Group>>,
        kind: Kind,
        ordinal: u32,
        site: u64,
        live: usize,
    ) -> Group {
        let (depth, path_hash) = match (&parent, kind) {
            (Some(p), Kind::Family) => (p.depth + 1, p.path_hash_of(ordinal)),
            (Some(p), _) => (p.depth, p.path_hash),
            (None, _) => (0, ROOT_PATH),
        };
        let inside = parent.as_ref().filter(|_| kind != Kind::Family);
        let pool = inside.and_then(|p| p.pool.clone());
        Group {
            references: AtomicU32::new(1),
            own_members: UnsafeCell::new(0),
            shared,
            keep,
            parent,
            kind,
            ordinal,
            depth,
            path_hash,
            site,
            pool,
            live: AtomicUsize::new(live),
            cancelled: AtomicBool::new(false),
            orphaned: AtomicBool::new(false),
            linked: AtomicBool::new(false),
            link_key: AtomicUsize::new(0),
            inner: Mutex::new(None),
        }
    }

    /// The family of `fiber`, which runs; it counts as a member of its own family.
    pub(crate) fn family(place: Place<'_>, fiber: &Fiber) -> Ref<Group> {
        let owner = fiber.owner();
        let parent = owner.home_for(fiber);
        let (shared, site, up) = (owner.shared, fiber.site, Some(parent.clone()));
        let kind = Kind::Family;
        let family = Group::make(shared, None, up, kind, fiber.ordinal, site, OWN).into_ref();
        if !parent.is(owner) {
            // The fiber's membership moves up with it.
            parent.add_member();
            owner.member_done(place);
        }
        family
    }

    /// The fiber whose family this is has ended.
    pub(crate) fn set_orphaned(&self) {
        self.orphaned.store(true, Ordering::Release);
    }

    /// A scope inside `parent`, whose tasks run on `pool` if it is given; its body holds one count
    /// until it waits for the end.
    pub(crate) fn scope(
        place: Place<'_>,
        parent: &Ref<Group>,
        body: FiberRef,
        site: u64,
        pool: Option<Arc<Pool>>,
    ) -> Ref<Group> {
        parent.add_member();
        let up = Some(parent.clone());
        let mut g = Group::make(parent.shared, None, up, Kind::Scope, 0, site, OWN);
        if pool.is_some() {
            g.pool = pool;
        }
        let g = g.into_ref();
        g.cancelled.store(parent.is_cancelled(), Ordering::Release);
        g.with_inner(|inner| inner.body = Some(body));
        g.link(place);
        g
    }

    /// A group for what is started while cancellation is shut out.
    pub(crate) fn shield(place: Place<'_>, parent: &Ref<Group>) -> Ref<Group> {
        parent.add_member();
        let up = Some(parent.clone());
        let g = Group::make(parent.shared, None, up, Kind::Shield, 0, 0, OWN).into_ref();
        g.link(place);
        g
    }

    /// Is there a shield between this group and its fiber's family?
    #[inline]
    pub(crate) fn is_shielded(&self) -> bool {
        let mut at = Some(self);
        while let Some(g) = at {
            match g.kind {
                Kind::Shield => return true,
                Kind::Scope => at = g.parent.as_deref(),
                Kind::Family | Kind::Root => return false,
            }
        }
        false
    }

    /// A family that has not been cancelled? Its tasks run where their parent does.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.kind == Kind::Family && !self.is_flagged()
    }

    /// Has it itself been cancelled?
    #[inline]
    pub(crate) fn is_flagged(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Shared {
        // SAFETY: see the note at `unsafe impl Send`.
        unsafe { &*self.shared }
    }

    /// A count of what the root keeps.
    pub(crate) fn shared_arc(&self) -> Option<Arc<Shared>> {
        self.keep.clone()
    }

    /// The group this one is in.
    pub(crate) fn parent(&self) -> Option<&Ref<Group>> {
        self.parent.as_ref()
    }

    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }

    pub(crate) fn path_hash_of(&self, ordinal: u32) -> u64 {
        mix(self.path_hash, ordinal)
    }

    pub(crate) fn path_key_of(&self, ordinal: u32) -> Vec<u32> {
        let mut key = vec![ordinal];
        let mut at = Some(self);
        while let Some(g) = at {
            if g.kind == Kind::Family {
                key.push(g.ordinal);
            }
            at = g.parent.as_deref();
        }
        key.reverse();
        key
    }

    pub(crate) fn path_of(&self, ordinal: u32) -> String {
        let key = self.path_key_of(ordinal);
        let mut text = match key[0] {
            1 => String::from("main"),
            n => format!("main#{n}"),
        };
        for ordinal in &key[1..] {
            text.push('.');
            text.push_str(&ordinal.to_string());
        }
        text
    }

    /// The spawn sites from here to the root, innermost first.
    pub(crate) fn spawn_sites(&self) -> Vec<u64> {
        let mut sites = Vec::new();
        let mut at = Some(self);
        while let Some(g) = at {
            if g.kind == Kind::Family {
                sites.push(g.site);
            }
            at = g.parent.as_deref();
        }
        sites
    }

    /// Counts a member in. Only from inside the group, while it lives.
    pub(crate) fn add_member(&self) {
        self.live.fetch_add(1, Ordering::Relaxed);
    }

    /// As `add_member`, by the fiber whose family or scope this is.
    ///
    /// # Safety
    /// The caller runs that fiber, which has not left the group.
    #[inline]
    pub(crate) unsafe fn add_own_member(&self) {
        // SAFETY: by contract.
        unsafe { *self.own_members.get() = (*self.own_members.get()).wrapping_add(1) }
    }

    /// Counts out a member that has ended in place of the fiber whose family or scope this is.
    ///
    /// # Safety
    /// As `add_own_member`.
    #[inline]
    pub(crate) unsafe fn own_member_done(&self) {
        // SAFETY: by contract.
        unsafe { *self.own_members.get() = (*self.own_members.get()).wrapping_sub(1) }
    }

    /// Takes `count` away; is it the end?
    #[inline]
    fn take_out(&self, count: usize) -> bool {
        if self.live.load(Ordering::Acquire) == count {
            // Nobody is left inside who could count anything in or out.
            self.live.store(0, Ordering::Release);
            return true;
        }
        self.live.fetch_sub(count, Ordering::AcqRel) == count
    }

    fn with_inner<R>(&self, f: impl FnOnce(&mut Inner) -> R) -> R {
        f(self.inner.lock().get_or_insert_default())
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire) > 0
    }

    fn insert(&self, member: Member) -> u32 {
        self.with_inner(|inner| match inner.free.pop() {
            Some(key) => {
                inner.members[key as usize] = Some(member);
                key
            }
            None => {
                inner.members.push(Some(member));
                (inner.members.len() - 1) as u32
            }
        })
    }

    fn remove(&self, key: u32) {
        let gone = self.with_inner(|inner| {
            let member = inner.members.get_mut(key as usize)?.take()?;
            inner.free.push(key);
            Some(member)
        });
        drop(gone);
    }

    /// Takes an ended fiber out.
    #[inline]
    pub(crate) fn unlink_fiber(&self, fiber: &Fiber) {
        if fiber.state.is_linked() {
            // SAFETY: written before LINKED was set; the fiber has ended.
            self.remove(unsafe { *fiber.link_key.get() });
        }
    }

    /// Has this group, or one it is in, been cancelled?
    pub(crate) fn is_cancelled(&self) -> bool {
        let mut at = Some(self);
        while let Some(g) = at {
            if g.cancelled.load(Ordering::Acquire) {
                return true;
            }
            if g.kind == Kind::Shield {
                return false;
            }
            at = g.parent.as_deref();
        }
        false
    }

    /// Members that can be found, for reports.
    pub(crate) fn members(&self) -> Vec<Member> {
        let inner = self.inner.lock();
        inner
            .iter()
            .flat_map(|inner| inner.members.iter().flatten().cloned())
            .collect()
    }

    /// Forgets the members, giving them to the caller: end of the runtime.
    pub(crate) fn take_members(&self) -> Vec<Member> {
        let members = self.with_inner(|inner| std::mem::take(&mut inner.members));
        members.into_iter().flatten().collect()
    }

    pub(crate) fn has_failed(&self) -> bool {
        let inner = self.inner.lock();
        inner.as_ref().is_some_and(|inner| inner.failure.is_some())
    }

    /// Ends the scope: takes its failure, refuses later ones.
    pub(crate) fn take_failure(&self) -> Option<Outcome> {
        let (failure, _body) = self.with_inner(|inner| {
            inner.ended = true;
            (inner.failure.take(), inner.body.take())
        });
        failure
    }

    /// The fiber of a scope ends without having left it, or is given up.
    pub(crate) fn forget_body(&self) {
        let body = self.with_inner(|inner| inner.body.take());
        drop(body);
    }

    /// Queues a waiter for the end; gives it back when the group has ended.
    pub(crate) fn wait_end(&self, waiter: impl FnOnce() -> Waiter) -> Option<u32> {
        self.with_inner(|inner| self.is_live().then(|| inner.waiters.push_back(waiter())))
    }

    pub(crate) fn unwait_end(&self, key: u32, fiber: &Fiber, epoch: u32) {
        let gone = self.with_inner(|inner| inner.waiters.remove(key, fiber, epoch));
        drop(gone);
    }
}

impl Ref<Group> {
    /// The group a new family is put into: the owner, or, where tasks go on starting their
    /// successors and ending, the first group further up that is still needed. Such a chain would
    /// grow for ever otherwise. (Not in deterministic runs, where paths are names.)
    fn home_for(&self, fiber: &Fiber) -> &Ref<Group> {
        let mut home = self;
        if fiber.state.is_linked() || self.shared().det.is_some() {
            return home;
        }
        while home.kind == Kind::Family
            && home.depth > KEEP_DEPTH
            && home.orphaned.load(Ordering::Acquire)
            && let Some(parent) = &home.parent
        {
            home = parent;
        }
        home
    }

    /// The group that lists the fiber whose innermost group this is.
    pub(crate) fn home(&self) -> Option<&Ref<Group>> {
        let mut at = self;
        while at.kind != Kind::Family {
            at = at.parent.as_ref()?;
        }
        at.parent.as_ref()
    }

    /// Counts a member out; ends the group, and its parents, when it was the last.
    pub(crate) fn member_done(&self, place: Place<'_>) {
        self.count_out(place, 1);
    }

    /// The fiber whose family or scope this is leaves it: its own count and its members'.
    ///
    /// # Safety
    /// The caller runs that fiber; this is the only time.
    pub(crate) unsafe fn leave(&self, place: Place<'_>) {
        // SAFETY: by contract.
        let members = unsafe { std::mem::take(&mut *self.own_members.get()) };
        self.count_out(place, OWN.wrapping_sub(members));
    }

    fn count_out(&self, place: Place<'_>, mut count: usize) {
        let mut group = self;
        while group.take_out(count) {
            count = 1;
            group.end(place);
            match &group.parent {
                // SAFETY: the owner's fiber runs on this thread, and awaits what ends here.
                Some(parent) if place.worker.is_some_and(|w| w.runs_owner_of(parent)) => unsafe {
                    return parent.own_member_done();
                },
                Some(parent) => group = parent,
                None => break,
            }
        }
    }

    fn end(&self, place: Place<'_>) {
        if self.kind != Kind::Family {
            let mut woken = Vec::new();
            self.with_inner(|inner| {
                inner.ended = true;
                inner.waiters.claim_all(&mut woken);
            });
            for fiber in woken {
                place.ready(fiber);
            }
        }
        self.unlink();
        if self.kind == Kind::Root {
            place.shared.root_ended();
        }
    }

    /// Makes a group findable from its parent, and its parents from theirs. Cancellation comes
    /// down this list; where it has passed already, it is passed on here. (Either it sees the
    /// new entry, or its flag is seen after the entry was made.)
    pub(crate) fn link(&self, place: Place<'_>) {
        let mut group = self;
        while let Some(parent) = &group.parent {
            if group.linked.swap(true, Ordering::AcqRel) {
                break;
            }
            let key = parent.insert(Member::Group(group.clone()));
            group.link_key.store(key as usize, Ordering::Release);
            if parent.is_flagged() {
                group.cancel(place);
            }
            group = parent;
        }
    }

    fn unlink(&self) {
        if self.linked.load(Ordering::Acquire)
            && let Some(parent) = &self.parent
        {
            parent.remove(self.link_key.load(Ordering::Acquire) as u32);
        }
    }

    /// Links a fiber that is about to park for the first time. True: cancel it, a group above it
    /// has been cancelled.
    pub(crate) fn link_fiber(&self, place: Place<'_>, fiber: &FiberRef) -> bool {
        self.link(place);
        let key = self.insert(Member::Fiber(fiber.clone()));
        // SAFETY: the calling thread runs the fiber.
        unsafe { *fiber.link_key.get() = key }
        fiber.state.set_linked();
        self.is_flagged()
    }

    /// Cancels everything in the group, at any depth.
    pub(crate) fn cancel(&self, place: Place<'_>) {
        cancel_all(place, vec![Member::Group(self.clone())]);
    }

    /// Notes a failure nobody inside has caught. False: it cannot be raised here any more, or
    /// another failure came first.
    pub(crate) fn fail(&self, place: Place<'_>, failure: Outcome) -> bool {
        let noted = self.with_inner(|inner| {
            if inner.ended || inner.failure.is_some() {
                return None;
            }
            inner.failure = Some(failure);
            // Under the lock: a body that is just leaving clears the flag after taking the lock.
            let body = inner.body.clone();
            Some(body.filter(|b| b.state.ask_interrupt() == Asked::Woken))
        });
        match noted {
            None => return false,
            // SAFETY: woken just now.
            Some(Some(body)) => place.ready(unsafe { body.adopt() }),
            Some(None) => {}
        }
        place.shared.poke_all();
        self.cancel(place);
        true
    }
}

impl Drop for Group {
    /// Iterative, as a chain of families may be a hundred thousand long.
    fn drop(&mut self) {
        let failure = self.inner.get_mut().as_mut().and_then(|i| i.failure.take());
        if let Some(failure) = failure {
            failure.release(self.shared().payload);
        }
        let mut next = self.parent.take();
        while let Some(mut group) = next.and_then(Ref::into_last) {
            next = group.parent.take();
        }
    }
}
