//! The threads that talk to the service: one for each lane, each with a connection of its own, so that an import that takes a minute
//! keeps nobody from looking. The looking lane also watches over the connection: it tries again every second and says when it is back.

use super::messages::{Answer, Lane, LinkProblem, Message, Ticket};
use crate::admin::client::{CallError, Client, Told};
use crate::engine::reply::Reply;
use crate::engine::request::{AskRequest, Request};
use crate::error::{Code, Error, ErrorBody};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Time between two tries to reach the service.
const RETRY: Duration = Duration::from_secs(1);
/// Time for the service to greet.
const GREETING: Duration = Duration::from_secs(3);
/// Time for what is looked at.
const LOOK: Duration = Duration::from_secs(20);
/// Time for what is done: comparing two generations of the law, or a doctor on a slow disk, takes its time.
const ACT: Duration = Duration::from_secs(180);

/// Most tickets that are remembered as forgotten: they are needed until a lane comes to them.
const FORGOTTEN: usize = 64;

/// The tickets whose answers nobody waits for any more.
#[derive(Clone, Default)]
struct Forgotten(Arc<Mutex<Vec<Ticket>>>);

impl Forgotten {
    fn add(&self, ticket: Ticket) {
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tickets.len() == FORGOTTEN {
            tickets.remove(0);
        }
        tickets.push(ticket);
    }

    fn has(&self, ticket: Ticket) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&ticket)
    }
}

/// A job of a lane.
enum Job {
    Ask(Ticket, Box<Request>),
    /// Only reach the service.
    Reach,
}

/// The lanes.
pub(super) struct Lanes {
    look: Sender<Job>,
    act: Sender<Job>,
    forgotten: Forgotten,
}

impl Lanes {
    /// Starts the threads; what they hear comes as messages.
    pub(super) fn start(socket: &Path, out: &Sender<Message>) -> std::io::Result<Lanes> {
        let forgotten = Forgotten::default();
        let lane = |name: &str, limit: Duration, watches: bool| {
            let (jobs, todo) = channel();
            let (socket, out, forgotten) = (socket.to_owned(), out.clone(), forgotten.clone());
            let worker = Worker { socket, out, limit, watches, client: None, forgotten };
            thread::Builder::new().name(name.to_owned()).spawn(move || worker.work(&todo)).map(|_| jobs)
        };
        Ok(Lanes { look: lane("look", LOOK, true)?, act: lane("act", ACT, false)?, forgotten })
    }

    /// Nobody waits for the answers to this any more.
    pub(super) fn forget(&self, ticket: Ticket) {
        self.forgotten.add(ticket);
    }

    /// Hands a request to its lane.
    pub(super) fn send(&self, lane: Lane, ticket: Ticket, request: Box<Request>) {
        let jobs = match lane {
            Lane::Look => &self.look,
            Lane::Act => &self.act,
        };
        // A lane ends only with the console.
        let _ = jobs.send(Job::Ask(ticket, request));
    }

    /// Tries to reach the service now.
    pub(super) fn reach(&self) {
        let _ = self.look.send(Job::Reach);
    }
}

struct Worker {
    socket: PathBuf,
    out: Sender<Message>,
    limit: Duration,
    /// It says whether the service can be asked, and tries again by itself.
    watches: bool,
    client: Option<Client>,
    forgotten: Forgotten,
}

impl Worker {
    fn work(mut self, todo: &Receiver<Job>) {
        if self.watches {
            self.connect();
        }
        loop {
            let waits_long = self.client.is_some() || !self.watches;
            let job = if waits_long {
                todo.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                todo.recv_timeout(RETRY)
            };
            match job {
                Ok(Job::Ask(ticket, request)) => self.answer(ticket, &request),
                Ok(Job::Reach) | Err(RecvTimeoutError::Timeout) => self.connect(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn tell(&self, message: Message) {
        // Nobody left to hear it: the console ends.
        let _ = self.out.send(message);
    }

    fn connect(&mut self) {
        if self.client.is_some() {
            return;
        }
        match Client::connect(&self.socket, GREETING) {
            Ok(client) => {
                if self.watches {
                    self.tell(Message::Linked(client.greeting().clone()));
                }
                self.client = Some(client);
            }
            Err(error) if self.watches => self.tell(Message::Unlinked(LinkProblem::Connect(error))),
            Err(_) => {}
        }
    }

    fn answer(&mut self, ticket: Ticket, request: &Request) {
        if self.forgotten.has(ticket) {
            return;
        }
        // A service that was started anew since the last request is another one; nothing was asked of it yet.
        if self.client.as_ref().is_some_and(|client| !client.is_alive()) {
            self.client = None;
        }
        self.connect();
        let Some(client) = &mut self.client else {
            return self.tell(Message::Answer(ticket, Answer::Error(ErrorBody::from(&gone()))));
        };
        client.set_timeout(self.limit);
        let called = match request {
            Request::Ask(ask) if ask.prose => {
                let out = Listener { ticket, out: &self.out, forgotten: &self.forgotten };
                listen(client, ask.clone(), &out)
            }
            request => {
                client.call(request).map(|reply| self.tell(Message::Answer(ticket, Answer::Reply(Box::new(reply)))))
            }
        };
        let Err(error) = called else { return };
        let told = match error {
            CallError::Refused(error) => error,
            CallError::TimedOut => ErrorBody::from(&slow()),
            CallError::Lost(_) | CallError::NotUnderstood(_) => {
                self.client = None;
                if self.watches {
                    self.tell(Message::Unlinked(LinkProblem::Lost));
                }
                ErrorBody::from(&gone())
            }
        };
        self.tell(Message::Answer(ticket, Answer::Error(told)));
    }
}

/// Who hears of prose.
struct Listener<'a> {
    ticket: Ticket,
    out: &'a Sender<Message>,
    forgotten: &'a Forgotten,
}

impl Listener<'_> {
    /// Passes an answer on; whether more of them are wanted.
    fn tell(&self, answer: Answer) -> bool {
        self.out.send(Message::Answer(self.ticket, answer)).is_ok() && self.listens()
    }

    fn listens(&self) -> bool {
        !self.forgotten.has(self.ticket)
    }
}

/// Passes a card and its prose on as they come, until nobody listens: then the prose is stopped.
fn listen(client: &mut Client, ask: AskRequest, listener: &Listener<'_>) -> Result<(), CallError> {
    client.ask(ask, &mut |told| match told {
        Told::Card(card) => listener.tell(Answer::Reply(Box::new(Reply::Answer(card)))),
        Told::Prose(event) => listener.tell(Answer::Prose(Box::new(event))),
        Told::Waiting => listener.listens(),
    })?;
    listener.tell(Answer::ProseEnd);
    Ok(())
}

/// What is said of a request that the service did not answer.
fn gone() -> Error {
    Error::new(Code::ServiceGone, "服务没有应答这次操作", "等服务恢复后看结果,没有生效就再做一次")
}

/// What is said of one that takes too long.
fn slow() -> Error {
    Error::new(Code::Timeout, "服务很久没有应答", "稍后再看;一直这样就看日志和体检")
}
