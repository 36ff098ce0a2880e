//! The threads that compute with an encoder. Each owns a context; all share the model and one queue.

use super::sequences::Sequences;
use super::{load_model, load_model_of};
use crate::error::{Code, Error, Result};
use crate::inference::cpus::default_threads;
use llama_cpp_2::context::params::LlamaPoolingType;
use llama_cpp_2::model::LlamaModel;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Callers that may wait for a worker before further ones are held up at the door.
const QUEUE: usize = 32;

/// Where the model comes from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A file.
    File(PathBuf),
    /// A file that is part of the program, and its name.
    Memory(&'static [u8], &'static str),
}

/// How the contexts are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setup {
    pub(super) pooling: LlamaPoolingType,
    pub(super) window: u32,
    /// Threads of one worker.
    pub(super) threads: Option<u32>,
    pub(super) workers: u32,
}

/// What is done with a context, and where the result goes.
type Job = Box<dyn FnOnce(&mut Sequences<'_>) + Send>;

/// Threads with a loaded model, ended when dropped.
pub(super) struct Workers {
    jobs: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
    model: Arc<LlamaModel>,
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workers").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}

impl Workers {
    /// Loads a model and starts its workers.
    ///
    /// # Errors
    /// `MODEL_LOAD`, or `INTERNAL` when no thread can be started.
    pub(super) fn start(source: &Source, setup: Setup) -> Result<Workers> {
        let model = Arc::new(match source {
            Source::File(path) => load_model(path)?,
            Source::Memory(bytes, name) => load_model_of(bytes, name)?,
        });
        let (jobs, received) = sync_channel::<Job>(QUEUE);
        let mut workers = Workers { jobs: Some(jobs), threads: Vec::new(), model };
        let received = Arc::new(Mutex::new(received));
        let (ready, readiness) = channel();
        for _ in 0..setup.workers.max(1) {
            let (model, received, ready) = (Arc::clone(&workers.model), Arc::clone(&received), ready.clone());
            let thread = std::thread::Builder::new()
                .name("encoder".into())
                .spawn(move || work(&model, setup, &received, &ready))
                .map_err(|cause| {
                    let message = format!("无法启动编码线程:{cause}");
                    Error::new(Code::Internal, message, "请检查系统的线程数限制").because(cause)
                })?;
            workers.threads.push(thread);
        }
        drop(ready);
        for _ in &workers.threads {
            readiness.recv().unwrap_or_else(|_| Err(stopped()))?;
        }
        Ok(workers)
    }

    /// The model.
    pub(super) fn model(&self) -> &LlamaModel {
        &self.model
    }

    /// Has every item done by the next free worker and returns the results in order.
    ///
    /// # Errors
    /// The first item's error, or `MODEL_UNAVAILABLE` when the workers have ended.
    pub(super) fn map<I, O, F>(&self, items: Vec<I>, compute: F) -> Result<Vec<O>>
    where
        I: Send + 'static,
        O: Send + 'static,
        F: Fn(&mut Sequences<'_>, I) -> Result<O> + Clone + Send + 'static,
    {
        let mut replies: Vec<Receiver<Result<O>>> = Vec::with_capacity(items.len());
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        for item in items {
            let (reply, result) = channel();
            let compute = compute.clone();
            // A caller that went away needs no result.
            let job: Job = Box::new(move |sequences| drop(reply.send(compute(sequences, item))));
            jobs.send(job).map_err(|_| stopped())?;
            replies.push(result);
        }
        replies.into_iter().map(|result| result.recv().unwrap_or_else(|_| Err(stopped()))).collect()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // The closed channel ends the threads.
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn work(model: &LlamaModel, setup: Setup, received: &Mutex<Receiver<Job>>, ready: &Sender<Result<()>>) {
    let threads = setup.threads.unwrap_or_else(default_threads);
    let mut sequences = match Sequences::new(model, setup.pooling, setup.window, threads) {
        Ok(sequences) => sequences,
        Err(error) => return drop(ready.send(Err(error))),
    };
    let _ = ready.send(Ok(()));
    loop {
        let job = received.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        job(&mut sequences);
    }
}

fn stopped() -> Error {
    Error::new(Code::ModelUnavailable, "编码模型的线程已经停止", "请重启程序;检索会改用关键词")
}
