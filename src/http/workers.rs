//! Permits to work in the engine: requests beyond them wait here, in bounded number and time.
//!
//! Each client (by its address) has a queue of its own, first come first served, and the clients take turns: three hundred requests of
//! one keep another's waiting for a single answer. While others ask, no client holds more permits than half of the processors, so that
//! theirs are computed beside and not behind its own. A full queue gives its place up where one client has most of it.

use crate::engine::overview::Load;
use crate::error::{Code, Error, Result};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A client that asked within this time counts as asking: tellers read what they got before they ask again.
const ASKING: Duration = Duration::from_secs(2);

/// The permits and who waits for one.
pub(super) struct Workers {
    most: usize,
    /// Most permits of one client while others ask.
    share: usize,
    state: Mutex<Queues>,
    /// Shows the state to whoever runs the box.
    shown: Arc<Load>,
}

#[derive(Default)]
struct Queues {
    running: usize,
    waiting: usize,
    /// How many permits each client has.
    holding: HashMap<IpAddr, usize>,
    /// The two clients that asked last, and when.
    asked: [Option<(IpAddr, Instant)>; 2],
    lines: HashMap<IpAddr, VecDeque<Arc<Turn>>>,
    /// The clients that wait, the next one first.
    round: VecDeque<IpAddr>,
}

impl Queues {
    /// A client asks.
    fn asks(&mut self, client: IpAddr) {
        let [first, second] = &mut self.asked;
        if first.is_some_and(|(other, _)| other != client) {
            *second = *first;
        }
        *first = Some((client, Instant::now()));
    }

    /// Whether a client may have another permit.
    fn may_have(&self, client: IpAddr, share: usize) -> bool {
        let own = self.holding.get(&client).copied().unwrap_or(0);
        let elsewhere = |(other, at): &(IpAddr, Instant)| *other != client && at.elapsed() < ASKING;
        let others = self.lines.keys().chain(self.holding.keys()).any(|other| *other != client)
            || self.asked.iter().flatten().any(elsewhere);
        own < share || !others
    }

    fn take(&mut self, client: IpAddr) {
        self.running += 1;
        *self.holding.entry(client).or_default() += 1;
    }

    fn give_back(&mut self, client: IpAddr) {
        self.running -= 1;
        if let Some(held) = self.holding.get_mut(&client) {
            *held -= 1;
            if *held == 0 {
                self.holding.remove(&client);
            }
        }
    }

    fn push(&mut self, client: IpAddr, turn: Arc<Turn>) {
        let line = self.lines.entry(client).or_default();
        if line.is_empty() {
            self.round.push_back(client);
        }
        line.push_back(turn);
        self.waiting += 1;
    }

    /// The first of the client whose turn it is, which has a permit from now on.
    fn pop(&mut self, share: usize) -> Option<Arc<Turn>> {
        let at = self.round.iter().position(|client| self.may_have(*client, share))?;
        let client = self.round.remove(at)?;
        self.take(client);
        let line = self.lines.get_mut(&client)?;
        let turn = line.pop_front();
        match line.is_empty() {
            true => drop(self.lines.remove(&client)),
            false => self.round.push_back(client),
        }
        self.waiting -= usize::from(turn.is_some());
        turn
    }

    /// Takes a turn out wherever it stands; false when it is not there any more.
    fn remove(&mut self, client: IpAddr, turn: &Arc<Turn>) -> bool {
        let Some(line) = self.lines.get_mut(&client) else { return false };
        let Some(place) = line.iter().position(|other| Arc::ptr_eq(other, turn)) else { return false };
        line.remove(place);
        if line.is_empty() {
            self.lines.remove(&client);
            self.round.retain(|other| *other != client);
        }
        self.waiting -= 1;
        true
    }

    /// Makes room for a request of `client` where another client has more than its share: the latest of its requests gives way.
    fn displace(&mut self, client: IpAddr) -> bool {
        let own = self.lines.get(&client).map_or(0, VecDeque::len);
        let longest = self.lines.iter().max_by_key(|(_, line)| line.len());
        let Some((greedy, turn)) = longest
            .filter(|(_, line)| line.len() > own + 1)
            .and_then(|(greedy, line)| Some((*greedy, Arc::clone(line.back()?))))
        else {
            return false;
        };
        let removed = self.remove(greedy, &turn);
        turn.end(State::Displaced);
        removed
    }
}

/// Whether a permit has come.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Waiting,
    Granted,
    Displaced,
}

/// A place in a queue. Whoever gives a permit back hands it to the next one, so that no newcomer overtakes.
#[derive(Default)]
struct Turn {
    state: Mutex<State>,
    changed: Condvar,
}

impl Turn {
    fn end(&self, state: State) {
        *lock(&self.state) = state;
        self.changed.notify_one();
    }

    fn wait(&self, limit: Duration) -> State {
        let waiting = |state: &mut State| *state == State::Waiting;
        let ended = self.changed.wait_timeout_while(lock(&self.state), limit, waiting);
        *ended.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A permit of a client; given back when dropped.
pub(super) struct Permit<'a>(&'a Workers, IpAddr);

impl Workers {
    pub(super) fn new(most: usize, shown: Arc<Load>) -> Workers {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Workers::sharing(most, processors / 2, shown)
    }

    fn sharing(most: usize, share: usize, shown: Arc<Load>) -> Workers {
        Workers { most: most.max(1), share: share.max(1), state: Mutex::default(), shown }
    }

    /// Shows a state; while it is locked, so that the last word is the latest.
    fn show(&self, queues: &Queues) {
        self.shown.show(queues.waiting, queues.running);
    }

    /// A permit for a request of `client`, after waiting for at most `limit`.
    ///
    /// # Errors
    /// `BUSY` when `max_waiting` others wait already and none gives way, or time is up.
    pub(super) fn enter(&self, client: IpAddr, max_waiting: usize, limit: Duration) -> Result<Permit<'_>> {
        let busy = || {
            Error::new(Code::Busy, "当前提问过多,服务繁忙", "请稍候一两秒再试")
                .retry_after(super::response::RETRY_SECONDS)
        };
        let mut queues = lock(&self.state);
        queues.asks(client);
        if queues.running < self.most && queues.may_have(client, self.share) {
            queues.take(client);
            self.show(&queues);
            return Ok(Permit(self, client));
        }
        if queues.waiting >= max_waiting && !queues.displace(client) {
            return Err(busy());
        }
        let turn = Arc::new(Turn::default());
        queues.push(client, Arc::clone(&turn));
        self.show(&queues);
        drop(queues);
        match turn.wait(limit) {
            State::Granted => return Ok(Permit(self, client)),
            State::Displaced => return Err(busy()),
            State::Waiting => {}
        }
        let mut queues = lock(&self.state);
        let left = queues.remove(client, &turn);
        self.show(&queues);
        drop(queues);
        // Else it was granted or displaced between the end of the wait and here.
        let granted = !left && turn.wait(Duration::ZERO) == State::Granted;
        if granted { Ok(Permit(self, client)) } else { Err(busy()) }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut queues = lock(&self.0.state);
        queues.give_back(self.1);
        // Several where a client that was alone with its share is no longer held to it.
        while queues.running < self.0.most
            && let Some(next) = queues.pop(self.0.share)
        {
            next.end(State::Granted);
        }
        self.0.show(&queues);
    }
}

/// The counters behind these locks stay true whatever panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const PATIENCE: Duration = Duration::from_secs(30);
    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));

    fn waiting(workers: &Workers) -> usize {
        lock(&workers.state).waiting
    }

    /// Who gets the only permit in which order, when these wait for it.
    fn order(clients: &[IpAddr]) -> Vec<usize> {
        let workers = Workers::new(1, Arc::default());
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let first = workers.enter(ONE, 10, PATIENCE).expect("free");
            for (n, client) in clients.iter().enumerate() {
                let (workers, order) = (&workers, &order);
                scope.spawn(move || {
                    let _permit = workers.enter(*client, 10, PATIENCE).expect("in turn");
                    lock(order).push(n);
                });
                while waiting(workers) <= n {
                    thread::yield_now();
                }
            }
            assert_eq!((workers.shown.waiting(), workers.shown.working()), (clients.len() as u64, 1));
            drop(first);
        });
        assert_eq!((workers.shown.waiting(), workers.shown.working()), (0, 0));
        assert!(lock(&workers.state).lines.is_empty() && lock(&workers.state).round.is_empty());
        order.into_inner().unwrap()
    }

    #[test]
    fn permits_of_one_client_are_given_in_the_order_of_asking() {
        assert_eq!(order(&[ONE; 5]), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn clients_take_turns() {
        assert_eq!(order(&[ONE, ONE, ONE, ONE, OTHER, OTHER]), [0, 4, 1, 5, 2, 3]);
    }

    #[test]
    fn while_others_ask_no_client_has_more_than_its_share() {
        let workers = Workers::sharing(4, 2, Arc::default());
        let alone: Vec<_> = (0..3).map(|_| workers.enter(ONE, 9, Duration::ZERO).expect("nobody else asks")).collect();
        let other = workers.enter(OTHER, 9, Duration::ZERO).expect("one is left");
        drop(alone);
        let two: Vec<_> = (0..2).map(|_| workers.enter(ONE, 9, Duration::ZERO).expect("its share")).collect();
        assert!(workers.enter(ONE, 9, Duration::ZERO).is_err(), "one is kept free for others");
        thread::scope(|scope| {
            let third = scope.spawn(|| workers.enter(ONE, 9, PATIENCE).is_ok());
            while waiting(&workers) == 0 {
                thread::yield_now();
            }
            assert!(workers.enter(OTHER, 9, Duration::ZERO).is_ok(), "who waits there keeps nobody else waiting");
            drop(two);
            assert!(third.join().unwrap());
        });
        drop(other);
        let queues = lock(&workers.state);
        assert!(queues.running == 0 && queues.holding.is_empty() && queues.lines.is_empty());
    }

    #[test]
    fn who_waited_too_long_leaves_the_queue() {
        let workers = Workers::new(1, Arc::default());
        let held = workers.enter(ONE, 1, PATIENCE).expect("free");
        assert_eq!(workers.enter(ONE, 1, Duration::ZERO).err().map(|e| e.code()), Some(Code::Busy));
        assert_eq!(workers.enter(ONE, 0, PATIENCE).err().map(|e| e.code()), Some(Code::Busy), "no place to wait");
        assert_eq!((waiting(&workers), workers.shown.waiting(), workers.shown.working()), (0, 0, 1));
        drop(held);
        assert!(workers.enter(ONE, 0, Duration::ZERO).is_ok());
    }

    #[test]
    fn a_full_queue_gives_way_where_one_client_has_most_of_it() {
        let workers = Workers::new(1, Arc::default());
        let refused = Mutex::new(0);
        thread::scope(|scope| {
            let held = workers.enter(ONE, 3, PATIENCE).expect("free");
            for n in 0..3 {
                let (workers, refused) = (&workers, &refused);
                scope.spawn(move || *lock(refused) += usize::from(workers.enter(ONE, 3, PATIENCE).is_err()));
                while waiting(workers) <= n {
                    thread::yield_now();
                }
            }
            assert!(workers.enter(ONE, 3, PATIENCE).is_err(), "its own queue is the longest");
            let other = scope.spawn(|| workers.enter(OTHER, 3, PATIENCE).is_ok());
            while *lock(&refused) == 0 {
                thread::yield_now();
            }
            drop(held);
            assert!(other.join().unwrap());
        });
        assert_eq!(*lock(&refused), 1);
    }
}
