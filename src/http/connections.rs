//! The open connections, by client (its address), and who gives way when there is no place for another.
//!
//! A connection on which no request is being answered (silent, dripping a head, half a body) can be given up at any time. A newcomer that
//! finds no place takes that of the longest of them, of the client that has most connections; a client beyond its share gives up its own.
//! So whoever hoards connections loses them, and somebody at another computer always gets in.

use super::HttpSettings;
use crate::engine::overview::Load;
use std::collections::HashMap;
use std::net::{IpAddr, Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// From so many connections on a client is named to whoever runs the box when others lose or find no place for it: ten browsers' worth.
const CROWD: usize = 64;
/// A client that was named is not named again for so long.
const NAMED_AGAIN: Duration = Duration::from_secs(60);
/// Connections that were given up and whose threads have not ended yet: an eighth of all, at most this. More are waited for before anybody
/// else gets in.
const ENDING: usize = 64;
/// And no longer than this.
const ENDING_WAIT: Duration = Duration::from_secs(1);
/// Files that everything else of the service may have open: knowledge, journal, models, the console.
const OTHER_FILES: usize = 40;
/// Fewest connections, however few files there may be.
const FEWEST: usize = 8;

/// All connections.
pub(super) struct Connections {
    state: Mutex<State>,
    changed: Condvar,
    most: usize,
    /// Most of one client.
    share: usize,
    /// Most that are ending.
    ending: usize,
    load: Arc<Load>,
}

#[derive(Default)]
struct State {
    open: HashMap<u64, Entry>,
    next: u64,
    /// Threads, those of connections that were given up included.
    threads: usize,
    named: Option<(IpAddr, Instant)>,
}

struct Entry {
    client: IpAddr,
    stream: Arc<TcpStream>,
    /// A request is being answered.
    busy: bool,
    /// Since when it is (or is not).
    since: Instant,
}

impl State {
    fn count(&self, client: IpAddr) -> usize {
        self.open.values().filter(|entry| entry.client == client).count()
    }

    fn counts(&self) -> HashMap<IpAddr, usize> {
        let mut counts = HashMap::new();
        for entry in self.open.values() {
            *counts.entry(entry.client).or_default() += 1;
        }
        counts
    }

    /// The client with most connections.
    fn largest(&self) -> Option<(IpAddr, usize)> {
        self.counts().into_iter().max_by_key(|(_, count)| *count)
    }

    /// The connection that is longest without a request to answer: of this client, or of the one that has most.
    fn idlest(&self, of: Option<IpAddr>) -> Option<(u64, IpAddr, usize)> {
        let counts = self.counts();
        let count = |client: IpAddr| counts.get(&client).copied().unwrap_or(0);
        let idle = self.open.iter().filter(|(_, entry)| !entry.busy && of.is_none_or(|of| of == entry.client));
        let first = idle.max_by_key(|(_, entry)| (count(entry.client), std::cmp::Reverse(entry.since)));
        first.map(|(id, entry)| (*id, entry.client, count(entry.client)))
    }
}

/// A connection in the list; off it when dropped, however its thread ends (or fails to begin).
pub(super) struct Visit {
    connections: Arc<Connections>,
    id: u64,
    pub(super) client: IpAddr,
}

impl Connections {
    pub(super) fn new(settings: &HttpSettings, load: Arc<Load>) -> Connections {
        let files = files_allow();
        let ending = (files / 8).clamp(1, ENDING);
        let most = settings.max_connections.min(files.saturating_sub(ending)).max(FEWEST.min(settings.max_connections));
        if most < settings.max_connections {
            tracing::warn!(most, "fewer connections than set: the limit of open files (ulimit -n) allows no more");
        }
        let share = settings.max_per_client.min(most - most / 4).max(1);
        Connections { state: Mutex::default(), changed: Condvar::new(), most, share, ending, load }
    }

    /// A place for a connection of `client`; `None` when every connection in its way is being answered.
    pub(super) fn admit(self: &Arc<Connections>, client: IpAddr, stream: &Arc<TcpStream>) -> Option<Visit> {
        let mut state = self.when_ended();
        let own = state.count(client);
        if own >= self.share || state.open.len() >= self.most {
            let of = (own >= self.share).then_some(client);
            let Some(victim) = state.idlest(of) else {
                self.load.count_turned_away();
                let (crowd, count) = state.largest().unwrap_or((client, own));
                self.name(&mut state, crowd, count);
                return None;
            };
            self.give_up(&mut state, victim);
        }
        let id = state.next;
        state.next += 1;
        state.threads += 1;
        let entry = Entry { client, stream: Arc::clone(stream), busy: false, since: Instant::now() };
        state.open.insert(id, entry);
        self.load.show_connections(state.open.len());
        Some(Visit { connections: Arc::clone(self), id, client })
    }

    /// Makes room because the system has none for another connection: those that were given up are on their way out, or one is given up.
    pub(super) fn make_room(&self) {
        let ending = |state: &mut State| state.threads > state.open.len();
        let mut state = self.state();
        let room_comes = ending(&mut state);
        state = self.changed.wait_timeout_while(state, ENDING_WAIT, ending).unwrap_or_else(PoisonError::into_inner).0;
        if room_comes && !ending(&mut state) {
            return;
        }
        if let Some(victim) = state.idlest(None) {
            self.give_up(&mut state, victim);
        }
    }

    fn give_up(&self, state: &mut State, (id, client, count): (u64, IpAddr, usize)) {
        let Some(entry) = state.open.remove(&id) else { return };
        // Its thread reads the end of input.
        let _ = entry.stream.shutdown(Shutdown::Both);
        self.load.count_evicted();
        self.name(state, client, count);
    }

    /// Names a client that has more than anybody at a counter needs.
    fn name(&self, state: &mut State, client: IpAddr, count: usize) {
        if count < CROWD {
            return;
        }
        self.load.crowded(client, count);
        let now = Instant::now();
        if state.named.is_none_or(|(named, at)| named != client || now.duration_since(at) >= NAMED_AGAIN) {
            state.named = Some((client, now));
            tracing::warn!(%client, connections = count, "one client takes the places of others; its idle connections are closed");
        }
    }

    /// The state, once the threads of most connections that were given up have ended.
    fn when_ended(&self) -> MutexGuard<'_, State> {
        let surplus = |state: &mut State| state.threads > state.open.len() + self.ending;
        self.changed.wait_timeout_while(self.state(), ENDING_WAIT, surplus).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Waits until no thread is left.
    pub(super) fn wait_for_none(&self, limit: Duration) {
        let some = |state: &mut State| state.threads > 0;
        let wait = self.changed.wait_timeout_while(self.state(), limit, some);
        let (state, _) = wait.unwrap_or_else(PoisonError::into_inner);
        if state.threads > 0 {
            tracing::warn!(connections = state.threads, "ended before every connection was closed");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Visit {
    /// Says whether a request is being answered; until then the connection may be given up.
    pub(super) fn busy(&self, busy: bool) {
        if let Some(entry) = self.connections.state().open.get_mut(&self.id) {
            (entry.busy, entry.since) = (busy, Instant::now());
        }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut state = self.connections.state();
        state.open.remove(&self.id);
        state.threads -= 1;
        self.connections.load.show_connections(state.open.len());
        drop(state);
        self.connections.changed.notify_all();
    }
}

/// As many connections as the limit of open files leaves room for.
fn files_allow() -> usize {
    use rustix::process::{Resource, getrlimit};
    let files = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
    files.saturating_sub(OTHER_FILES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    /// Both ends of a connection.
    fn pair() -> (Arc<TcpStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let there = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Arc::new(listener.accept().unwrap().0), there)
    }

    fn places(most: usize, share: usize) -> Arc<Connections> {
        let settings = HttpSettings {
            max_connections: most,
            max_per_client: share,
            ..HttpSettings::new(([127, 0, 0, 1], 0).into())
        };
        Arc::new(Connections::new(&settings, Arc::default()))
    }

    #[test]
    fn who_has_most_gives_up_what_is_longest_idle() {
        let places = places(4, 4);
        let mut visits = Vec::new();
        let mut ends = Vec::new();
        for client in [OTHER, ONE, ONE, ONE] {
            let (here, there) = pair();
            let admitted = places.admit(client, &here);
            // The share of one client is three quarters.
            visits.push(admitted.expect("a place"));
            ends.push((here, there));
        }
        visits[1].busy(true);
        let (here, _there) = pair();
        let newcomer = places.admit(OTHER, &here).expect("the place of another");
        let closed = |at: usize| {
            let mut end = &ends[at].1;
            end.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            matches!(end.read(&mut [0]), Ok(0))
        };
        assert!(closed(2), "the longest idle of who has most");
        assert_eq!((places.load.evicted(), places.load.connections()), (1, 4));
        // Busy ones stay, whoever comes.
        visits.iter().chain([&newcomer]).for_each(|visit| visit.busy(true));
        assert!(places.admit(OTHER, &here).is_none());
        assert_eq!(places.load.turned_away(), 1);
        drop((visits, newcomer));
        assert_eq!(places.load.connections(), 0);
        places.wait_for_none(Duration::ZERO);
    }

    #[test]
    fn a_client_beyond_its_share_gives_up_its_own() {
        let places = places(100, 2);
        let ends: Vec<_> = (0..4).map(|_| pair()).collect();
        let other = places.admit(OTHER, &ends[0].0).unwrap();
        let own: Vec<Visit> = ends[1..3].iter().map(|(here, _)| places.admit(ONE, here).unwrap()).collect();
        let third = places.admit(ONE, &ends[3].0).unwrap();
        assert_eq!((places.load.evicted(), places.load.connections()), (1, 3));
        own.iter().chain([&third]).for_each(|visit| visit.busy(true));
        assert!(places.admit(ONE, &ends[3].0).is_none(), "all of its connections are being answered");
        assert!(places.admit(OTHER, &ends[3].0).is_some());
        drop(other);
    }
}
