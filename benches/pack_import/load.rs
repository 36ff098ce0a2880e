//! Questions at a steady rate, whatever the answers take.

use crate::client::Client;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Tellers who ask in turn: enough that one is always free, even when an answer takes a third of a second.
const TELLERS: usize = 16;
/// One question and what became of it.
#[derive(Debug, Clone)]
struct Asked {
    /// When it was due. Time that it waited for a free teller counts.
    due: Instant,
    took: Duration,
    /// The generation that answered; `None` after an error.
    generation: Option<String>,
}

/// Questions on their way.
pub struct Load {
    stop: Arc<AtomicBool>,
    tellers: Vec<JoinHandle<Vec<Asked>>>,
}

impl Load {
    /// Begins to ask `rate` questions a second.
    pub fn start(addr: SocketAddr, rate: u32, questions: Arc<Vec<String>>) -> Load {
        let (stop, next, begun) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)), Instant::now());
        let teller = |_| {
            let (stop, next, questions) = (Arc::clone(&stop), Arc::clone(&next), Arc::clone(&questions));
            std::thread::spawn(move || {
                let mut client = Client::connect(addr);
                let mut asked = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let due = begun + Duration::from_secs(1) * turn as u32 / rate;
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    let question = &questions[turn % questions.len()];
                    let answer = client.as_mut().ok().and_then(|client| ask(client, question).ok());
                    if answer.is_none() {
                        client = Client::connect(addr);
                    }
                    asked.push(Asked { due, took: due.elapsed(), generation: answer });
                }
                asked
            })
        };
        Load { tellers: (0..TELLERS).map(teller).collect(), stop }
    }

    /// Ends it.
    pub fn stop(self) -> Result<Answers, String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for teller in self.tellers {
            all.extend(teller.join().map_err(|_| "a teller panicked")?);
        }
        all.sort_by_key(|asked| asked.due);
        Ok(Answers(all))
    }
}

/// All that was asked, in the order in which it was due.
pub struct Answers(Vec<Asked>);

impl Answers {
    /// What was due within these moments.
    pub fn window(&self, from: Instant, until: Instant) -> Window {
        let within = || self.0.iter().filter(|asked| (from..until).contains(&asked.due));
        let mut times: Vec<Duration> =
            within().filter(|asked| asked.generation.is_some()).map(|asked| asked.took).collect();
        times.sort();
        Window {
            times,
            errors: within().filter(|asked| asked.generation.is_none()).count(),
            generations: within().filter_map(|asked| asked.generation.clone()).collect(),
        }
    }

    /// Whether an answer that was asked for after another had come was of an older generation.
    pub fn went_back(&self) -> bool {
        let first = self.0.iter().find_map(|asked| asked.generation.as_ref());
        let switched = self
            .0
            .iter()
            .filter(|a| a.generation.is_some() && a.generation.as_ref() != first)
            .map(|a| a.due + a.took)
            .min();
        let Some(switched) = switched else { return false };
        self.0.iter().any(|asked| asked.due > switched && asked.generation.as_ref() == first)
    }
}

/// The answers of a stretch of time.
pub struct Window {
    times: Vec<Duration>,
    pub errors: usize,
    pub generations: BTreeSet<String>,
}

impl Window {
    pub fn count(&self) -> usize {
        self.times.len()
    }

    /// The time within which this share was answered, in milliseconds.
    pub fn at(&self, share: f64) -> f64 {
        let index = ((self.times.len() as f64 * share).ceil() as usize).saturating_sub(1);
        self.times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    }
}

/// The questions of a file with one JSON object a line.
pub fn questions(path: &Path) -> Result<Arc<Vec<String>>, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let question =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).ok()?["question"].as_str().map(str::to_owned);
    let all: Vec<String> = text.lines().filter_map(question).collect();
    if all.is_empty() { Err(format!("{} has no questions", path.display())) } else { Ok(Arc::new(all)) }
}

/// Asks, reads the whole answer and returns the generation that it names; anything but a card is an error.
fn ask(client: &mut Client, question: &str) -> std::io::Result<String> {
    let (status, body) = client.ask(question)?;
    let answer: serde_json::Value = serde_json::from_slice(&body)?;
    let generation = answer["generation"].as_str().filter(|_| status.contains(" 200 "));
    generation.map(str::to_owned).ok_or_else(|| std::io::Error::other(status))
}
