//! What the prompt cache knows: a tree of prompt parts whose keys and values were computed before.
//!
//! A node is one part (the opening with the system text, or one block of evidence) behind its parent, so a path from the root
//! is the beginning of a prompt. Attention looks back only: the keys and values of a part are the same whatever follows it,
//! and different behind another beginning. Every token is therefore computed once per path, however many prompts share it.
//!
//! A node is *filling* while the reply that came first computes it, *resident* when a sequence of the context holds it,
//! *stored* when its bytes are in the host store; resident and stored may both hold. This file decides and counts; it
//! touches no context, and the time of use is a counter, so that the same calls give the same tree.

use super::CacheFigures;
use std::collections::VecDeque;

/// Share of its budget at which the host store counts as full for what nobody has asked for yet.
const FULL_PERCENT: u64 = 90;

/// Number of a node; numbers of removed nodes are given out again.
pub(super) type NodeId = usize;

/// One part behind its parent.
#[derive(Debug)]
struct Node {
    parent: Option<NodeId>,
    tokens: Vec<i32>,
    /// Position of its first token.
    begin: usize,
    children: Vec<NodeId>,
    /// The sequence that holds it.
    holder: Option<i32>,
    stored: Option<Vec<u8>>,
    /// The host store has no room for it.
    refused: bool,
    /// Whether the cache file has it.
    filed: bool,
    /// Running replies that rest on it.
    users: u32,
    used: u64,
}

impl Node {
    fn filling(&self) -> bool {
        self.holder.is_none() && self.stored.is_none()
    }
}

/// Where a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A running reply computes it.
    Filling,
    /// This sequence holds it.
    Resident(i32),
    /// Only its bytes are kept.
    Stored,
}

/// The tree.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Option<Node>>,
    roots: Vec<NodeId>,
    vacant: Vec<NodeId>,
    clock: u64,
    budget: u64,
    stored_bytes: u64,
}

impl Tree {
    /// An empty tree whose host store may take `budget` bytes.
    pub(super) fn new(budget: u64) -> Tree {
        Tree { nodes: Vec::new(), roots: Vec::new(), vacant: Vec::new(), clock: 0, budget, stored_bytes: 0 }
    }

    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id).and_then(Option::as_ref)
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id).and_then(Option::as_mut)
    }

    /// All nodes with their numbers.
    fn all(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().filter_map(|(id, node)| node.as_ref().map(|node| (id, node)))
    }

    /// The part behind `parent` (the opening when `None`) that has these tokens.
    pub(super) fn find(&self, parent: Option<NodeId>, tokens: &[i32]) -> Option<NodeId> {
        let siblings = match parent {
            None => &self.roots,
            Some(parent) => &self.node(parent)?.children,
        };
        siblings.iter().copied().find(|id| self.node(*id).is_some_and(|node| node.tokens == tokens))
    }

    /// Where a part is; `None` for a number that is not given out.
    pub(super) fn place(&self, id: NodeId) -> Option<Place> {
        self.node(id).map(|node| match (node.holder, &node.stored) {
            (Some(holder), _) => Place::Resident(holder),
            (None, Some(_)) => Place::Stored,
            (None, None) => Place::Filling,
        })
    }

    /// Positions of a part.
    pub(super) fn span(&self, id: NodeId) -> (usize, usize) {
        self.node(id).map_or((0, 0), |node| (node.begin, node.begin + node.tokens.len()))
    }

    /// Enters a part that the caller is about to compute, and counts the caller as its user.
    pub(super) fn claim(&mut self, parent: Option<NodeId>, tokens: &[i32]) -> NodeId {
        let begin = parent.map_or(0, |parent| self.span(parent).1);
        let used = self.tick();
        let node = Node {
            parent,
            tokens: tokens.to_vec(),
            begin,
            children: Vec::new(),
            holder: None,
            stored: None,
            refused: false,
            filed: false,
            users: 1,
            used,
        };
        let id = match self.vacant.pop() {
            Some(id) => {
                if let Some(place) = self.nodes.get_mut(id) {
                    *place = Some(node);
                }
                id
            }
            None => {
                self.nodes.push(Some(node));
                self.nodes.len() - 1
            }
        };
        match parent {
            None => self.roots.push(id),
            Some(parent) => {
                if let Some(parent) = self.node_mut(parent) {
                    parent.children.push(id);
                }
            }
        }
        id
    }

    /// A part was computed, or put back from its bytes, and `holder` holds it now.
    pub(super) fn hold(&mut self, id: NodeId, holder: i32) {
        if let Some(node) = self.node_mut(id) {
            node.holder = Some(holder);
        }
    }

    /// A running reply rests on the part from now on.
    pub(super) fn enter(&mut self, id: NodeId) {
        let used = self.tick();
        if let Some(node) = self.node_mut(id) {
            node.users += 1;
            node.used = used;
        }
    }

    /// A reply no longer rests on the part. One that was never computed is forgotten; so are parts behind it.
    pub(super) fn leave(&mut self, id: NodeId) {
        let used = self.tick();
        let Some(node) = self.node_mut(id) else { return };
        node.users = node.users.saturating_sub(1);
        node.used = used;
        if node.filling() {
            self.remove(id);
        }
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Tokens that the context holds or is about to hold for the tree.
    pub(super) fn cells(&self) -> usize {
        self.all().filter(|(_, node)| node.holder.is_some() || node.filling()).map(|(_, node)| node.tokens.len()).sum()
    }

    /// Tokens that the context holds although no running reply rests on them.
    pub(super) fn idle_tokens(&self) -> usize {
        self.all().filter(|(_, node)| node.holder.is_some() && node.users == 0).map(|(_, node)| node.tokens.len()).sum()
    }

    /// The resident part that may leave the context first: used by nobody, nothing resident or filling behind it, least
    /// recently used. `keep` is spared.
    pub(super) fn dispensable(&self, keep: &[NodeId]) -> Option<NodeId> {
        self.all()
            .filter(|(id, node)| node.holder.is_some() && node.users == 0 && !keep.contains(id))
            .filter(|(_, node)| !node.children.iter().any(|child| self.in_context(*child)))
            .min_by_key(|(_, node)| node.used)
            .map(|(id, _)| id)
    }

    fn in_context(&self, id: NodeId) -> bool {
        self.node(id).is_some_and(|node| node.holder.is_some() || node.filling())
    }

    /// Takes a part out of the context and returns the sequence that held it. A part without stored bytes is forgotten, with
    /// what is stored behind it.
    pub(super) fn dismiss(&mut self, id: NodeId) -> Option<i32> {
        let node = self.node_mut(id)?;
        let holder = node.holder.take();
        if node.stored.is_none() {
            self.remove(id);
        }
        holder
    }

    /// Whether bytes of a part would be kept.
    pub(super) fn wants_bytes(&self, id: NodeId) -> bool {
        self.budget > 0 && self.node(id).is_some_and(|node| node.stored.is_none() && !node.refused)
    }

    /// The bytes of a part did not fit; they are not offered again.
    pub(super) fn refuse(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id) {
            node.refused = true;
        }
    }

    /// Whether the host store has little room left, so that what is read ahead would only push out the like.
    pub(super) fn is_full(&self) -> bool {
        self.stored_bytes >= self.budget / 100 * FULL_PERCENT
    }

    /// Keeps the bytes of a part, in place of others that were used longer ago; false when they do not fit.
    pub(super) fn store(&mut self, id: NodeId, bytes: Vec<u8>) -> bool {
        let size = bytes.len() as u64;
        if size > self.budget || self.node(id).is_none() {
            return false;
        }
        while self.stored_bytes + size > self.budget {
            let Some(victim) = self.expendable(id) else { return false };
            self.unstore(victim);
        }
        if let Some(node) = self.node_mut(id) {
            let before = node.stored.replace(bytes).map_or(0, |old| old.len() as u64);
            self.stored_bytes = self.stored_bytes - before + size;
        }
        true
    }

    /// The stored part to give up first: least recently used, and either also resident or with nothing behind it. Never the
    /// part itself or what is before it.
    fn expendable(&self, id: NodeId) -> Option<NodeId> {
        let mut path = vec![id];
        while let Some(parent) = path.last().and_then(|last| self.node(*last)).and_then(|node| node.parent) {
            path.push(parent);
        }
        self.all()
            .filter(|(id, node)| node.stored.is_some() && !path.contains(id))
            .filter(|(_, node)| node.holder.is_some() || (node.children.is_empty() && node.users == 0))
            .min_by_key(|(_, node)| node.used)
            .map(|(id, _)| id)
    }

    fn unstore(&mut self, id: NodeId) {
        let Some(node) = self.node_mut(id) else { return };
        let freed = node.stored.take().map_or(0, |bytes| bytes.len() as u64);
        let gone = node.filling();
        self.stored_bytes = self.stored_bytes.saturating_sub(freed);
        if gone {
            self.remove(id);
        }
    }

    /// The bytes of a part.
    pub(super) fn bytes(&self, id: NodeId) -> Option<&[u8]> {
        self.node(id)?.stored.as_deref()
    }

    /// Bytes that the context refused are worthless.
    pub(super) fn spoil(&mut self, id: NodeId) {
        self.unstore(id);
    }

    /// The resident part, used most recently, whose bytes are not kept yet although those before it are.
    pub(super) fn unstored(&self) -> Option<NodeId> {
        self.all()
            .filter(|(_, node)| node.holder.is_some() && node.stored.is_none() && !node.refused && self.budget > 0)
            .filter(|(_, node)| node.parent.is_none_or(|p| self.node(p).is_some_and(|p| p.stored.is_some())))
            .max_by_key(|(_, node)| node.used)
            .map(|(id, _)| id)
    }

    /// A stored part that the cache file lacks although it has those before it.
    pub(super) fn unfiled(&self) -> Option<NodeId> {
        self.all()
            .filter(|(_, node)| node.stored.is_some() && !node.filed)
            .filter(|(_, node)| node.parent.is_none_or(|p| self.node(p).is_some_and(|p| p.filed)))
            .max_by_key(|(_, node)| node.used)
            .map(|(id, _)| id)
    }

    /// The file has the part now.
    pub(super) fn set_filed(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id) {
            node.filed = true;
        }
    }

    /// The tokens of all parts from the root to this one.
    pub(super) fn path_tokens(&self, id: NodeId) -> Vec<Vec<i32>> {
        let mut parts = VecDeque::new();
        let mut at = Some(id);
        while let Some(node) = at.and_then(|id| self.node(id)) {
            parts.push_front(node.tokens.clone());
            at = node.parent;
        }
        parts.into()
    }

    /// Takes in a part from the cache file, behind parts that were taken in before; false when it does not fit.
    pub(super) fn adopt(&mut self, path: &[Vec<i32>], bytes: Vec<u8>) -> bool {
        let Some((tokens, before)) = path.split_last() else { return false };
        let mut parent = None;
        for part in before {
            let Some(found) = self.find(parent, part) else { return false };
            parent = Some(found);
        }
        if self.find(parent, tokens).is_some() {
            return false;
        }
        let id = self.claim(parent, tokens);
        let kept = self.store(id, bytes);
        self.set_filed(id);
        self.leave(id);
        kept
    }

    /// Forgets a part with everything behind it that nobody uses.
    fn remove(&mut self, id: NodeId) {
        let mut doomed = vec![id];
        let mut at = 0;
        while let Some(next) = doomed.get(at).copied() {
            doomed.extend(self.node(next).map(|node| node.children.clone()).unwrap_or_default());
            at += 1;
        }
        if let Some(node) = self.node(id) {
            match node.parent {
                None => self.roots.retain(|root| *root != id),
                Some(parent) => {
                    if let Some(parent) = self.node_mut(parent) {
                        parent.children.retain(|child| *child != id);
                    }
                }
            }
        }
        for id in doomed {
            if let Some(node) = self.nodes.get_mut(id).and_then(Option::take) {
                self.stored_bytes = self.stored_bytes.saturating_sub(node.stored.map_or(0, |bytes| bytes.len() as u64));
                self.vacant.push(id);
            }
        }
    }

    /// Adds what is held now to the figures.
    pub(super) fn count(&self, figures: &mut CacheFigures) {
        let tokens = |held: fn(&Node) -> bool| {
            self.all().filter(|(_, node)| held(node)).map(|(_, node)| node.tokens.len() as u64).sum()
        };
        figures.resident_tokens = tokens(|node| node.holder.is_some());
        figures.stored_tokens = tokens(|node| node.stored.is_some());
        figures.filed_tokens = tokens(|node| node.filed);
        figures.stored_bytes = self.stored_bytes;
    }
}

#[cfg(test)]
mod tests;
