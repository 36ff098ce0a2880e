//! The engine's side of the prompt cache: which sequence holds which part, what moves to the host store, and when.
//!
//! Slots compute in the first sequences of the context; the others only hold parts. Room is reserved before a reply begins: what
//! the tree holds, plus what every slot alone needs to its end, never exceeds the context.

use super::engine::Engine;
use super::raw::{SEQUENCES, Sequence};
use super::slot::{Script, Slot};
use crate::inference::cachefile::CacheFile;
use crate::inference::prefix::{NodeId, Place};

/// Tokens that stay in the context although no reply rests on them. On the CPU each costs every prompt token that is read a look
/// at its mask: with 13,000 idle tokens a 1.5B model reads a fifth slower; bringing a part back takes some milliseconds.
const IDLE_TOKENS: usize = 1024;

/// The sequences that hold parts: all behind the slots and the one that moves keys and values.
pub(super) fn holders(slots: u32) -> Vec<Sequence> {
    (Sequence::try_from(slots + 1).unwrap_or(SEQUENCES)..SEQUENCES).rev().collect()
}

impl Engine<'_> {
    /// Tokens of a prompt that would have to be computed if it began now.
    pub(super) fn unread(&self, script: &Script) -> usize {
        let known = self.known(script).iter().filter(|id| self.tree.place(**id) != Some(Place::Filling)).count();
        let covered = known.checked_sub(1).and_then(|last| script.ends.get(last)).copied().unwrap_or(0);
        script.tokens.len() - covered.min(script.tokens.len())
    }

    /// The parts of a prompt that the tree knows, from the opening.
    fn known(&self, script: &Script) -> Vec<NodeId> {
        let mut path: Vec<NodeId> = Vec::new();
        while path.len() < script.ends.len() {
            let Some(id) = self.tree.find(path.last().copied(), script.part(path.len())) else { break };
            path.push(id);
        }
        path
    }

    /// Makes room for a prompt and a reply of `limit` tokens; false when running replies need it all.
    pub(super) fn make_room(&mut self, script: &Script, limit: usize) -> bool {
        let known = self.known(script);
        let resident: usize = known
            .iter()
            .filter(|id| matches!(self.tree.place(**id), Some(Place::Resident(_))))
            .map(|id| self.tree.span(*id))
            .map(|(begin, end)| end - begin)
            .sum();
        let needed = script.tokens.len() - resident.min(script.tokens.len()) + limit;
        let cells = self.model.cells() as usize;
        loop {
            let reserved: usize = self.slots.iter().flatten().map(Slot::reserved).sum();
            if self.tree.cells() + reserved + needed <= cells {
                return true;
            }
            let Some(id) = self.tree.dispensable(&known) else { return false };
            self.dismiss(id);
        }
    }

    /// Takes a part out of the context; its bytes move to the host store if that has room.
    fn dismiss(&mut self, id: NodeId) {
        self.keep_bytes(id);
        if let Some(holder) = self.tree.dismiss(id) {
            self.let_go(holder);
        }
    }

    /// Copies a resident part to the host store.
    fn keep_bytes(&mut self, id: NodeId) {
        if !self.tree.wants_bytes(id) {
            return;
        }
        let Some(Place::Resident(holder)) = self.tree.place(id) else { return };
        let kept = self.context.save(holder).is_some_and(|bytes| self.tree.store(id, bytes));
        if !kept {
            self.tree.refuse(id);
        }
    }

    /// Empties a holding sequence for its next use.
    fn let_go(&mut self, holder: Sequence) {
        match self.context.forget(holder, 0) {
            Ok(()) => self.holders.push(holder),
            // A sequence that cannot be emptied is not used again.
            Err(error) => tracing::error!("sequence {holder} is lost: {error}"),
        }
    }

    /// A sequence that holds nothing, if need be in place of the part used longest ago.
    fn free_holder(&mut self) -> Option<Sequence> {
        if self.holders.is_empty()
            && let Some(id) = self.tree.dispensable(&[])
        {
            self.dismiss(id);
        }
        self.holders.pop()
    }

    /// Moves a slot that has read all that it may read on to its next part: takes parts that the cache has, claims one that
    /// nobody has, waits for one that another reply is computing. `busy`: tokens of the slot are in the batch, so that the cache
    /// must not be put behind them yet.
    pub(super) fn advance(&mut self, slot: &mut Slot, busy: bool) {
        loop {
            let level = slot.path.len();
            let Some(end) = slot.script.ends.get(level).copied() else {
                slot.mine = slot.total();
                return;
            };
            let parent = slot.path.last().copied();
            let length = slot.script.part(level).len();
            match self.tree.find(parent, slot.script.part(level)) {
                None => {
                    let id = self.tree.claim(parent, slot.script.part(level));
                    slot.path.push(id);
                    slot.computing.push(id);
                    slot.mine = end;
                    slot.private -= length.min(slot.private);
                    return;
                }
                Some(id) => {
                    let holder = match self.tree.place(id) {
                        _ if busy => return,
                        Some(Place::Resident(holder)) => holder,
                        Some(Place::Stored) => match self.restore(id) {
                            Some(holder) => holder,
                            // Its bytes were worthless and it is forgotten: the next turn claims it.
                            None => continue,
                        },
                        Some(Place::Filling) | None => return,
                    };
                    let (begin, end) = self.tree.span(id);
                    self.context.share(holder, slot.sequence, begin, end);
                    self.tree.enter(id);
                    slot.path.push(id);
                    slot.cached += length;
                    (slot.done, slot.mine) = (end, end);
                    slot.private -= length.min(slot.private);
                }
            }
        }
    }

    /// Puts the bytes of a part back into the context.
    fn restore(&mut self, id: NodeId) -> Option<Sequence> {
        let holder = self.free_holder();
        if let (Some(holder), Some(bytes)) = (holder, self.tree.bytes(id)) {
            if self.context.restore(holder, bytes) {
                self.tree.hold(id, holder);
                return Some(holder);
            }
            tracing::warn!("stored keys and values were refused; they are computed anew");
        }
        if let Some(holder) = holder {
            self.let_go(holder);
        }
        self.tree.spoil(id);
        None
    }

    /// Shares the parts that a slot has finished.
    pub(super) fn publish(&mut self, slot: &mut Slot) {
        while let Some(id) = slot.computing.first().copied() {
            let (begin, end) = self.tree.span(id);
            if end > slot.done {
                return;
            }
            let Some(holder) = self.free_holder() else {
                self.go_alone(slot);
                return;
            };
            self.context.share(slot.sequence, holder, begin, end);
            self.tree.hold(id, holder);
            slot.computing.remove(0);
        }
    }

    /// No sequence is free to hold what the slot computes: it keeps that to itself.
    fn go_alone(&mut self, slot: &mut Slot) {
        for id in slot.computing.drain(..).rev() {
            let (begin, end) = self.tree.span(id);
            slot.private += end - begin;
            slot.path.pop();
            self.tree.leave(id);
        }
        slot.script.ends.truncate(slot.path.len());
        slot.mine = slot.total();
    }

    /// Frees what a slot held; shared parts stay for others.
    pub(super) fn release(&mut self, slot: &Slot) {
        for id in slot.path.iter().rev() {
            self.tree.leave(*id);
        }
        if let Err(error) = self.context.forget(slot.sequence, 0) {
            tracing::error!("slot {} could not be emptied: {error}", slot.sequence);
        }
        // Attention looks at every place of the context that anybody holds; what lies idle is cheaper in the host store.
        while self.tree.idle_tokens() > IDLE_TOKENS
            && let Some(id) = self.tree.dispensable(&[])
        {
            self.keep_bytes(id);
            if self.tree.bytes(id).is_none() {
                break;
            }
            self.dismiss(id);
        }
    }

    /// Work for a moment when nobody asks: copies one part to the host store, or one to the cache file. False when there is none.
    pub fn tidy(&mut self) -> bool {
        if let Some(id) = self.tree.unstored() {
            self.keep_bytes(id);
            return true;
        }
        let Some(file) = &mut self.file else { return false };
        let Some(id) = self.tree.unfiled() else { return false };
        let written = match self.tree.bytes(id) {
            Some(bytes) => file.append(&self.tree.path_tokens(id), bytes),
            None => Ok(false),
        };
        match written {
            Ok(true) => self.tree.set_filed(id),
            // Full until the next start, which keeps the newest half.
            Ok(false) => self.file = None,
            Err(cause) => {
                tracing::warn!("the prompt cache is not kept any more: {cause}");
                self.file = None;
            }
        }
        true
    }

    /// Opens the cache file and takes in what it holds for this model.
    pub(super) fn open_file(&mut self) {
        let Some(path) = self.model.cache_file().filter(|_| self.cacheable && self.model.cache_bytes() > 0) else {
            return;
        };
        match CacheFile::open(path, &self.model.fingerprint(), self.model.cache_bytes()) {
            Ok((file, parts)) => {
                self.file = Some(file);
                let read = parts.len();
                let kept = parts.into_iter().map(|part| self.tree.adopt(&part.path, part.bytes));
                let kept = kept.filter(|kept| *kept).count();
                tracing::info!("prompt cache: {kept} of {read} parts taken in");
            }
            Err(cause) => tracing::warn!("the prompt cache {} is not used: {cause}", path.display()),
        }
    }
}
