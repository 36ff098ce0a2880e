//! The one door. HTTP, console and command line hand in a [`request::Request`] on behalf of an [`request::Actor`] and get a
//! [`reply::Reply`]; nothing else reaches knowledge or models.
//!
//! [`policy`] decides who may ask what, [`Engine::handle`] routes, [`browse`](self) answers what needs no card. [`offline`] holds
//! the operations on files that run without a service: building, checking and measuring knowledge; [`models`] those on model files;
//! [`measure`] those that build knowledge for the measuring; [`exam`] asks a file of questions through the door, [`conclusions`] judges what comes back by rules; [`office`] is head
//! office's making of packs. `watch` keeps what the console tells of the questions that pass (`figures` counts them, `hour` knows the
//! last one, [`recent`] the latest), [`overview`] and [`trace`] tell it, `asking` puts a question to the answerer, `seat` holds the
//! knowledge that answers and exchanges it, `integrity` holds it against what head office signed, `standing` knows what a box must tell about itself; [`importing`] takes new knowledge in,
//! [`sticks`] finds what is plugged in, `difference` compares two generations, [`branch`] knows a data folder, `following` takes up
//! what changes in it, [`logs`] keeps what was said. [`modeling`] is what can be asked of the models that write while they serve,
//! `model_desk` does it, `shelf` knows what lies in their folder.

mod asking;
pub mod backup;
pub mod branch;
mod browse;
pub mod conclusions;
mod difference;
pub mod doctor;
pub mod exam;
mod figures;
mod following;
mod hour;
pub mod importing;
pub mod instance;
mod integrity;
pub mod logs;
pub mod measure;
mod model_desk;
pub mod modeling;
pub mod models;
pub mod office;
pub mod offline;
pub mod overview;
mod policy;
pub mod preview;
pub mod recent;
pub mod reply;
pub mod request;
mod sealed;
mod seat;
pub mod settings;
mod shelf;
mod space;
mod standing;
pub mod sticks;
pub mod trace;
mod watch;

use crate::answer::{AnswerReply, Answerer, Writers};
use crate::clock::BoxClock;
use crate::config::Key;
use crate::dialogue::sessions::Sessions;
use crate::error::{Code, Error, Result};
use crate::inference::{Embedder, Generator, Reranker};
use crate::retrieval::scope::Scope;
use crate::store::generations::DataDir;
use crate::types::{Date, GenerationId};
use asking::Asking;
use difference::Differences;
use following::Home;
use importing::ImportDesk;
use integrity::Integrity;
use logs::LogRing;
use model_desk::ModelDesk;
use modeling::ModelHost;
use overview::Load;
use reply::{Reply, ReviewReply, Suspended};
use request::{Actor, AskRequest, Request, TELLER_CLEARANCE};
use seat::{Models, Seat};
use settings::SettingsDesk;
use space::{RESERVE_MB, SpaceWatch};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use sticks::Sticks;
use watch::Watch;

pub use crate::guard::MAX_QUESTION_CHARS;
pub use figures::CARD_SECONDS;
pub use standing::Circumstances;

/// Most hits of one search.
pub const MAX_SEARCH_HITS: usize = 100;
/// Most neighbours of a clause on either side.
pub const MAX_NEIGHBOURS: usize = 20;
/// Minutes after which the knowledge is compared again, where the setting does not say.
const RECHECK_MINUTES: u64 = 60;
/// How often [`Engine::settle`] looks.
const SETTLE_POLL: Duration = Duration::from_millis(20);

/// The engine, as its faces see it.
pub trait Door: Send + Sync {
    /// Answers one request of `actor`.
    ///
    /// # Errors
    /// Whatever the engine reports; the kind chooses what a face makes of it.
    fn handle(&self, actor: &Actor, request: Request) -> Result<Reply>;

    /// Where the requests that wait for a worker and those being worked on are shown; a door that nobody watches needs none.
    fn load(&self) -> Arc<Load> {
        Arc::default()
    }
}

impl Door for Engine {
    fn handle(&self, actor: &Actor, request: Request) -> Result<Reply> {
        Engine::handle(self, actor, request)
    }

    fn load(&self) -> Arc<Load> {
        Engine::load(self)
    }
}

/// Everything that answers. The knowledge behind it may be exchanged at any time; an answer is always of one generation.
pub struct Engine {
    seat: Arc<Seat>,
    home: Option<Home>,
    space: SpaceWatch,
    desk: Option<ImportDesk>,
    models: Option<ModelDesk>,
    watch: Watch,
    sessions: Sessions,
    differences: Differences,
    sticks: Sticks,
    logs: Arc<LogRing>,
    settings: Arc<SettingsDesk>,
}

impl Engine {
    /// Opens knowledge and couples it with the models that are there.
    ///
    /// # Errors
    /// `KB_OPEN`, `KB_CORRUPT`, `KB_SCHEMA`, or `KB_MODEL` when the encoder is not the one that made the vectors.
    pub fn open(
        kb: &Path,
        embedder: Option<Arc<dyn Embedder>>,
        reranker: Option<Arc<dyn Reranker>>,
        generator: Option<Arc<dyn Generator>>,
    ) -> Result<Engine> {
        Engine::open_with(kb, embedder, reranker, Writers { small: None, large: generator })
    }

    /// [`Engine::open`] with models by role.
    ///
    /// # Errors
    /// As there.
    pub fn open_with(
        kb: &Path,
        embedder: Option<Arc<dyn Embedder>>,
        reranker: Option<Arc<dyn Reranker>>,
        writers: Writers,
    ) -> Result<Engine> {
        let seat = Arc::new(Seat::open(kb, Models { embedder, reranker, writers: writers.into() })?);
        Ok(Engine::of(seat, None, None))
    }

    /// Answers from what is active in a data folder, or before the first import there from `kb`, and where there is no such file from
    /// nothing: then every question is refused, and the first import can be asked for. Takes imports in, and follows the folder from
    /// then on, see [`Engine::follow`].
    ///
    /// # Errors
    /// As [`Engine::open`], and `ACTIVE_CORRUPT` when neither the pointer nor the last one that worked can be read, `STATE_DB`.
    pub fn open_home(
        data: &Path,
        kb: &Path,
        embedder: Option<Arc<dyn Embedder>>,
        reranker: Option<Arc<dyn Reranker>>,
        writers: Writers,
    ) -> Result<Engine> {
        let home = Home::open_for_service(DataDir::at(data))?;
        let integrity = Integrity::default();
        let choice = home.choose(&integrity)?;
        let generation = choice.gid.as_deref().map(|gid| home.generation(gid)).transpose()?;
        let models = Models { embedder, reranker, writers: writers.into() };
        let mut seat = match &generation {
            Some(generation) => Seat::open(&generation.kb, models)?,
            None if !choice.altered.is_empty() => Seat::blank(models)?,
            None if is_missing(kb) => {
                home.is_new()?;
                tracing::warn!("no knowledge yet: every question is refused until the first import");
                Seat::blank(models)?
            }
            None => Seat::open(kb, models)?,
        };
        seat.standing.clock = Arc::new(home.clock()?);
        seat.integrity = integrity;
        following::tell(&home.data, &home.state, &seat, &choice);
        if let Some(generation) = generation {
            seat.name(generation.gid.clone());
            seat.take_up(generation)?;
        }
        home.check_records(&seat);
        let desk = ImportDesk::new(home.data.clone());
        Ok(Engine::of(Arc::new(seat), Some(home), Some(desk)))
    }

    fn of(seat: Arc<Seat>, home: Option<Home>, desk: Option<ImportDesk>) -> Engine {
        let watch = Watch::default();
        seat.integrity.heed(Arc::clone(&watch.load));
        Engine {
            seat,
            home,
            space: SpaceWatch::default(),
            desk,
            models: None,
            watch,
            sessions: Sessions::default(),
            differences: Differences::default(),
            sticks: Sticks::from_environment(),
            logs: Arc::default(),
            settings: Arc::default(),
        }
    }

    /// The same with models that can be exchanged while it answers: those of this data folder, run by `host`. Before it is shared.
    ///
    /// # Errors
    /// `STATE_DB` when the folder was set up and its journal cannot be opened.
    pub fn with_models(mut self, data: &Path, host: Arc<dyn ModelHost>) -> Result<Engine> {
        let journal = self.home.as_ref().map(|home| Arc::clone(&home.state));
        self.models = Some(ModelDesk::open(data, host, Arc::clone(self.seat.writers()), journal)?);
        Ok(self)
    }

    /// The same by another clock than the machine's. Before it is shared.
    pub fn with_clock(mut self, clock: Arc<BoxClock>) -> Engine {
        if let Some(seat) = Arc::get_mut(&mut self.seat) {
            seat.standing.clock = clock;
        }
        self
    }

    /// The same with what the service says, to be read by request. Before it is shared.
    pub fn with_logs(mut self, logs: Arc<LogRing>) -> Engine {
        self.logs = logs;
        self
    }

    /// The clock by which is answered.
    pub fn clock(&self) -> &Arc<BoxClock> {
        &self.seat.standing.clock
    }

    /// Takes up what has changed in the data folder since the last call: to be called a few times a second. Nothing new costs nothing.
    ///
    /// # Errors
    /// Those of reading the folder and opening the knowledge; what answered before goes on.
    pub fn follow(&self) -> Result<()> {
        let Some(home) = &self.home else { return Ok(()) };
        let set = self.settings.checked().ok().and_then(|settings| settings.number(Key::KnowledgeRecheck));
        let minutes: u64 = set.unwrap_or(RECHECK_MINUTES);
        if self.space.is_due() {
            let reserve: u64 = self.settings.now().number(Key::DiskReserve).unwrap_or(RESERVE_MB);
            SpaceWatch::look(home.data.root(), reserve << 20, &self.seat.standing);
        }
        home.follow(&self.seat, Duration::from_secs(60 * minutes))
    }

    /// Waits until the knowledge is compared with what head office signed, to its last byte: for whoever asks once and looks at no notice.
    ///
    /// # Errors
    /// As [`Engine::follow`].
    pub fn settle(&self) -> Result<()> {
        while self.seat.integrity.is_unchecked() {
            self.follow()?;
            std::thread::park_timeout(SETTLE_POLL);
        }
        Ok(())
    }

    /// Says what is known of the knowledge beyond its content; from then on the status tells it.
    pub fn set_circumstances(&self, circumstances: Circumstances) {
        self.seat.standing.set_circumstances(circumstances);
    }

    /// Puts this list of questions that wait for a person in the place of the one before. They settle no answer.
    pub fn set_review(&self, review: Vec<Suspended>) {
        self.seat.answerer().retriever().set_suspended(self.seat.standing.set_review(review));
    }

    /// Answers one request. Never blocks on a language model.
    ///
    /// # Errors
    /// `DENIED`; the guard's errors for a question; `BAD_PARAMETER`; `NOT_FOUND`; `KB_CORRUPT`.
    pub fn handle(&self, actor: &Actor, request: Request) -> Result<Reply> {
        policy::authorise(actor, &request)?;
        let reply = self.reply(actor, request);
        if reply.as_ref().is_err_and(|error| error.code() == Code::KbCorrupt) {
            self.seat.integrity.doubt();
        }
        reply
    }

    fn reply(&self, actor: &Actor, request: Request) -> Result<Reply> {
        if request.needs_knowledge()
            && let Some(withheld) = self.seat.standing.withheld()
        {
            return Err(withheld);
        }
        // Everything of one request is of one generation.
        let answerer = self.seat.answerer();
        let retriever = answerer.retriever();
        match request {
            Request::Ask(ask) => {
                let outcome = self.ask(&answerer, actor, &ask);
                self.watch.count(&ask, &outcome, retriever.knowledge().generation());
                outcome.map(|answered| Reply::Answer(Box::new(answered)))
            }
            Request::Search(search) => browse::search(retriever, actor, self.today(), &search).map(Reply::Search),
            Request::Clause { id, neighbours, as_of } => {
                browse::clause(retriever, actor, id, neighbours, as_of.unwrap_or_else(|| self.today()))
                    .map(|r| Reply::Clause(Box::new(r)))
            }
            Request::Documents { filter } => {
                request::check_field("筛选词", filter.as_deref())?;
                Ok(Reply::Documents(browse::documents(retriever, actor, self.today(), filter.as_deref())))
            }
            Request::Status => self.status(&answerer).map(|s| Reply::Status(Box::new(s))),
            Request::Review => {
                let generation = retriever.knowledge().generation().clone();
                Ok(Reply::Review(ReviewReply { suspended: self.seat.standing.review(), generation }))
            }
            Request::Accept(accept) => {
                let (accepted, waiting) = self.seat.standing.accept(&accept.folded, &accept.new_fingerprint)?;
                if let Some(home) = &self.home {
                    home.state.accept(&accepted.folded, &accepted.new_fingerprint, actor.name())?;
                }
                retriever.set_suspended(waiting);
                Ok(Reply::Accepted(Box::new(accepted)))
            }
            Request::Import(request) => {
                let desk = self.desk.as_ref().ok_or_else(no_home)?;
                desk.handle(&self.seat, actor.name(), request).map(|reply| Reply::Import(Box::new(reply)))
            }
            Request::Branch => self.home()?.branch().map(|status| Reply::Branch(Box::new(status))),
            Request::Journal => self.home()?.journal().map(Reply::Journal),
            Request::Log(request) => Ok(Reply::Log(self.logs.read(request))),
            Request::Doctor => doctor::of_service(self, &answerer).map(Reply::Doctor),
            Request::Difference => {
                let home = self.home.as_ref().map(|home| &home.data);
                Ok(Reply::Difference(home.map_or(Ok(None), |data| self.differences.of(data))?.map(Box::new)))
            }
            Request::Sticks => {
                let data = self.home.as_ref().map(|home| &home.data);
                Ok(Reply::Sticks(self.sticks.find(data, &self.stick_folders())))
            }
            Request::Overview => self.overview(&answerer).map(|overview| Reply::Overview(Box::new(overview))),
            Request::Trace(ask) => self.trace(&answerer, actor, &ask).map(|trace| Reply::Trace(Box::new(trace))),
            Request::Recent => Ok(Reply::Recent(self.watch.recent())),
            Request::Model(request) => {
                let desk = self.models.as_ref().ok_or_else(modeling::no_folder)?;
                desk.handle(actor.name(), request).map(|reply| Reply::Models(Box::new(reply)))
            }
            Request::Settings(request) => self.settings(actor, &request).map(Reply::Settings),
        }
    }

    /// The knowledge that answers now.
    pub fn generation(&self) -> GenerationId {
        self.seat.answerer().retriever().knowledge().generation().clone()
    }

    /// How often other models were put in the place of those that write.
    pub fn exchanges(&self) -> u64 {
        self.seat.writers().exchanges()
    }

    /// Has the models read, in idle moments, the evidence that tellers are likely to ask about. Returns how many prompts it named.
    ///
    /// # Errors
    /// `KB_CORRUPT`.
    pub fn warm(&self, stop: &AtomicBool) -> Result<usize> {
        let scope = Scope { as_of: self.today(), clearance: TELLER_CLEARANCE, levels: Vec::new(), all_versions: false };
        let answerer = self.seat.answerer();
        let writers = answerer.writers();
        let generators: Vec<_> = [&writers.large, &writers.small].into_iter().flatten().collect();
        if generators.is_empty() {
            return Ok(0);
        }
        let prompts = answerer.likely_prompts(&scope, stop)?;
        for generator in generators {
            generator.warm(prompts.clone());
        }
        Ok(prompts.len())
    }

    fn home(&self) -> Result<&Home> {
        self.home.as_ref().ok_or_else(no_home)
    }

    fn today(&self) -> Date {
        self.seat.standing.clock.today()
    }

    fn ask(&self, answerer: &Answerer, actor: &Actor, ask: &AskRequest) -> Result<AnswerReply> {
        let asking = Asking::check(self.clock(), actor.clearance, ask)?.within(&self.sessions);
        let mut asking = asking.on_its_day(answerer.retriever())?;
        let blank = answerer.retriever().knowledge().is_blank();
        let mut answered = if asking.is_fragment() && !blank {
            answerer.ask_back(&asking.ask())
        } else {
            let mut card = answerer.weigh(&asking.ask())?.card;
            if let Some(going) = asking.going_on(&card) {
                let again = answerer.weigh(&going.ask())?.card;
                if going.is_surer(&again, &card) {
                    (asking, card) = (going, again);
                }
            }
            answerer.with_prose(&asking.ask(), card)
        };
        asking.finish(&mut answered.card);
        answered.session = asking.keep(&self.sessions, &answered.card);
        Ok(answered)
    }
}

/// Whether there is nothing at all at a path; what is there and cannot be read is another matter.
fn is_missing(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound)
}

fn no_home() -> Error {
    Error::new(
        Code::DataFolder,
        "服务没有使用建好的数据目录",
        "用 guida data init 建立数据目录,再用 guida serve --data 目录 启动服务",
    )
}
