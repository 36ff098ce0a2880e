//! Guida's own generator, and the prompts of the product.

use crate::{Heard, Options, Writer};
use guida::engine::Engine;
use guida::engine::reply::Reply;
use guida::engine::request::{Actor, AskRequest, Request};
use guida::inference::scripted::ScriptedGenerator;
use guida::inference::{
    Block, ChildGenerator, Constraint, EmbedderSettings, GenerateEvent, GenerateRequest, Generator, GeneratorSettings,
    LlamaEmbedder, Prompt,
};
use guida::types::Classification;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(900);

/// Nothing was read for so long: all is.
const QUIET: Duration = Duration::from_secs(20);
/// Memory of the prompt cache: what a box of this size has by default (llama-server's own is 8 GiB).
const CACHE_MB: u64 = 1536;

/// A prompt as both sides are given it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub prompt: Prompt,
}

impl Asked {
    /// The text that a ChatML model is given.
    pub fn text(&self) -> String {
        let prompt = &self.prompt;
        let blocks = prompt.evidence.iter().map(|block| block.text.as_str());
        let user: Vec<&str> =
            std::iter::once(prompt.head.as_str()).chain(blocks).chain([prompt.tail.as_str()]).collect();
        format!(
            "<|im_start|>system\n{}<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n",
            prompt.system,
            user.join("\n\n")
        )
    }

    /// The same question behind other evidence, so that nothing of it was seen before.
    pub fn fresh(&self, mark: &str) -> Asked {
        let mut asked = self.clone();
        asked.prompt.system = format!("({mark}){}", asked.prompt.system);
        asked
    }

    /// Another question on the same evidence.
    pub fn instead(&self, question: &str) -> Asked {
        let mut asked = self.clone();
        asked.prompt.tail = format!("请依据以上条款回答<问题>与</问题>之间的柜员问题。\n<问题>\n{question}\n</问题>");
        asked
    }

    /// The prompt with its evidence repeated until it has about so many characters.
    pub fn long(&self, characters: usize) -> Asked {
        let mut asked = self.clone();
        let own = self.prompt.evidence.clone();
        while asked.text().chars().count() < characters && !own.is_empty() {
            let n = asked.prompt.evidence.len();
            let mut block = own[n % own.len()].clone();
            (block.text, block.rank) = (format!("{}(第{n}处)", block.text), n as u32);
            asked.prompt.evidence.push(block);
        }
        asked
    }
}

/// The product's prompts for the first answerable questions of the file, each on five clauses.
pub fn prompts(options: &Options, wanted: usize) -> Result<Vec<Asked>, String> {
    let text = std::fs::read_to_string(&options.questions).map_err(|e| format!("questions: {e}"))?;
    let embedder = LlamaEmbedder::bundled(EmbedderSettings::default()).map_err(|e| e.to_string())?;
    let script = Arc::new(ScriptedGenerator::new(["好"]));
    let generator: Arc<dyn Generator> = script.clone();
    let engine =
        Engine::open(&options.kb, Some(Arc::new(embedder)), None, Some(generator)).map_err(|e| e.to_string())?;
    let actor = Actor::teller(Classification::Internal);
    let mut found = Vec::new();
    // Every ninth: the file has its questions by document, and tellers at one moment ask about different matters.
    let lines: Vec<&str> = text.lines().collect();
    for n in 0..lines.len() {
        let line = lines[n * 9 % lines.len()];
        let value: serde_json::Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
        let Some(question) = value["question"].as_str() else { continue };
        let before = script.asked().len();
        let request = AskRequest { question: question.to_owned(), prose: true, ..AskRequest::default() };
        if let Ok(Reply::Answer(reply)) = engine.handle(&actor, Request::Ask(request)) {
            drop(reply);
        }
        if let Some(asked) = script.asked().get(before).filter(|asked| asked.prompt.evidence.len() == 5) {
            found.push(Asked { prompt: asked.prompt.clone() });
        }
        if found.len() == wanted {
            return Ok(found);
        }
    }
    Err(format!("only {} questions have five clauses", found.len()))
}

/// The prompts that the product reads ahead of need, likeliest first.
pub fn likely(options: &Options) -> Result<Vec<Prompt>, String> {
    let embedder = LlamaEmbedder::bundled(EmbedderSettings::default()).map_err(|e| e.to_string())?;
    let script = Arc::new(ScriptedGenerator::new(["好"]));
    let generator: Arc<dyn Generator> = script.clone();
    let engine =
        Engine::open(&options.kb, Some(Arc::new(embedder)), None, Some(generator)).map_err(|e| e.to_string())?;
    engine.warm(&AtomicBool::new(false)).map_err(|e| e.to_string())?;
    Ok(script.warmed())
}

/// The generator process.
pub struct Ours(pub ChildGenerator);

impl Ours {
    /// Starts it with `slots` slots.
    pub fn start(options: &Options, slots: u32, cache_file: Option<&Path>) -> Result<Ours, String> {
        let settings = GeneratorSettings {
            slots,
            threads: Some(options.threads),
            context_tokens: 4096,
            cache_mb: CACHE_MB,
            cache_file: cache_file.map(Path::to_owned),
            ..GeneratorSettings::new(&options.model)
        };
        let exe = Path::new(env!("CARGO_BIN_EXE_guida"));
        let generator = ChildGenerator::spawn(exe, settings).map_err(|e| e.to_string())?;
        generator.wait_ready(PATIENCE).map_err(|e| e.to_string())?;
        Ok(Ours(generator))
    }
}

impl Ours {
    /// Lets it read prompts ahead of need, to the end.
    pub fn rest(&self, prompts: Vec<Prompt>) -> Result<(), String> {
        let until = Instant::now() + 4 * PATIENCE;
        self.0.warm(prompts);
        let mut last = (self.0.status().cache.prefilled_tokens, Instant::now());
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(500));
            let cache = self.0.status().cache;
            if cache.prefilled_tokens != last.0 {
                last = (cache.prefilled_tokens, Instant::now());
            } else if last.1.elapsed() > QUIET && cache.filed_tokens + cache.resident_tokens > 0 {
                return Ok(());
            }
        }
        Err("reading ahead does not end".into())
    }
}

/// A request for so many words.
pub fn request(prompt: &Asked, words: u32) -> GenerateRequest {
    GenerateRequest {
        prompt: prompt.prompt.clone(),
        max_tokens: words,
        max_time_ms: PATIENCE.as_millis() as u64,
        temperature: 0.0,
        seed: 0,
        constraint: Constraint::Free,
    }
}

impl Writer for Ours {
    fn ask(&self, prompt: &Asked, words: u32, token: &mut dyn FnMut()) -> Result<Heard, String> {
        let began = Instant::now();
        let generation = self.0.start(request(prompt, words)).map_err(|e| e.to_string())?;
        let mut heard = Heard::default();
        loop {
            match generation.events.recv_timeout(PATIENCE).map_err(|e| e.to_string())? {
                GenerateEvent::Token(_) => {
                    heard.tokens.push(began.elapsed());
                    token();
                }
                GenerateEvent::Done(stats) => {
                    heard.prompt_tokens = stats.prompt_tokens as usize;
                    heard.prefilled = (stats.prompt_tokens - stats.cached_tokens) as usize;
                    return Ok(heard);
                }
                GenerateEvent::Failed(error) => return Err(error.to_string()),
                _ => {}
            }
        }
    }
}

/// A short question on one clause, for streams that only have to run.
pub fn small() -> Asked {
    Asked {
        prompt: Prompt {
            system: "你是柜面助手。".into(),
            head: "条款:".into(),
            evidence: vec![Block {
                text: "存款自愿,取款自由,存款有息,为存款人保密。".into(), rank: 0
            }],
            tail: "储蓄的原则是什么".into(),
        },
    }
}
