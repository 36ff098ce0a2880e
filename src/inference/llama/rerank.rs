//! A reranker: reads question and clause together and gives one score.

use super::sequences::Sequences;
use super::workers::{Setup, Source, Workers};
use crate::error::{Code, Error, Result};
use crate::inference::models::{identify, read_info};
use crate::inference::settings::DEFAULT_WINDOW_TOKENS;
use crate::inference::{ModelId, Reranker};
use llama_cpp_2::context::params::LlamaPoolingType;
use llama_cpp_2::token::LlamaToken;
use std::path::Path;
use std::time::{Duration, Instant};

/// Where question and clause stand in a template, as in the GGUF files that llama.cpp's converter writes.
const QUERY_MARK: &str = "{query}";
const DOCUMENT_MARK: &str = "{document}";
/// Architecture of rerankers that read a template, and the one to use where their file carries none (Qwen3-Reranker's model card).
const TEMPLATE_ARCHITECTURE: &str = "qwen3";
const TEMPLATE: &str = "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct \
    provided. Note that the answer can only be \"yes\" or \"no\".<|im_end|>\n<|im_start|>user\n<Instruct>: Given a web search \
    query, retrieve relevant passages that answer the query\n<Query>: {query}\n<Document>: {document}<|im_end|>\n\
    <|im_start|>assistant\n<think>\n\n</think>\n\n";

/// A reranker in a thread of this process, for a trusted model file.
#[derive(Debug)]
pub struct LlamaReranker {
    model: ModelId,
    form: Form,
    workers: Workers,
}

/// How question and clause become one text.
#[derive(Debug, Clone)]
enum Form {
    /// `[CLS] question [SEP] clause [SEP]` in the vocabulary's own markers, as BERT was trained on pairs.
    Pair,
    /// A template around the two, in four parts: before the first, its mark, between, and so on.
    Template { before: String, between: String, after: String, query_first: bool },
}

impl Form {
    /// A template's parts; `None` when it does not name both places.
    fn of_template(template: &str) -> Option<Form> {
        let query_first = template.find(QUERY_MARK)? < template.find(DOCUMENT_MARK)?;
        let (first, second) = if query_first { (QUERY_MARK, DOCUMENT_MARK) } else { (DOCUMENT_MARK, QUERY_MARK) };
        let (before, rest) = template.split_once(first)?;
        let (between, after) = rest.split_once(second)?;
        Some(Form::Template { before: before.into(), between: between.into(), after: after.into(), query_first })
    }

    /// The tokens of a pair within the window; a clause that is too long is represented by its beginning.
    fn tokens(&self, sequences: &Sequences<'_>, query: &str, document: &str) -> Result<Vec<LlamaToken>> {
        let vocab = sequences.vocab();
        let plain = |text: &str| vocab.tokenize(sequences.bounded(text).as_bytes(), false, false);
        let marker = |wanted: bool, token: LlamaToken| (wanted && token.0 >= 0).then_some(token);
        let (mut query, mut document) = (plain(query), plain(document));
        let bos = marker(vocab.should_add_bos(), vocab.bos());
        let (before, between, after, query_first) = match self {
            Form::Pair => {
                let (eos, sep) =
                    (marker(vocab.should_add_eos(), vocab.eos()), marker(vocab.should_add_sep(), vocab.sep()));
                let between: Vec<LlamaToken> = eos.into_iter().chain(sep).collect();
                (bos.into_iter().collect(), between, eos.or(sep).into_iter().collect::<Vec<_>>(), true)
            }
            Form::Template { before, between, after, query_first } => {
                let markup = |text: &str| vocab.tokenize(text.as_bytes(), false, true);
                (bos.into_iter().chain(markup(before)).collect(), markup(between), markup(after), *query_first)
            }
        };
        let fixed: Vec<LlamaToken> = before;
        let room = sequences.window().saturating_sub(fixed.len() + between.len() + after.len());
        query.truncate(room / 2);
        document.truncate(room - query.len());
        let (first, second) = if query_first { (query, document) } else { (document, query) };
        let tokens: Vec<LlamaToken> = [fixed, first, between, second, after].concat();
        if tokens.is_empty() || tokens.len() > sequences.window() {
            let message = format!("重排模型的窗口只有 {} 个词元,放不下问题和条款", sequences.window());
            return Err(Error::new(Code::ModelUnavailable, message, "请换一个重排模型"));
        }
        Ok(tokens)
    }
}

impl LlamaReranker {
    /// Checks and loads a reranker.
    ///
    /// # Errors
    /// `MODEL_LOAD`, `MODEL_UNSUITABLE` when the model gives no scores or its template cannot be used.
    pub fn load(path: &Path, threads: Option<u32>) -> Result<LlamaReranker> {
        let info = read_info(path)?;
        info.require_reranker()?;
        let template = info.rerank_template.as_deref();
        let form = match template.or((info.architecture == TEMPLATE_ARCHITECTURE).then_some(TEMPLATE)) {
            None => Form::Pair,
            Some(template) => Form::of_template(template).ok_or_else(|| {
                let message = format!("重排模型 {} 的模板里没有 {QUERY_MARK} 或 {DOCUMENT_MARK}", info.name);
                Error::new(Code::ModelUnsuitable, message, "请换一个重排模型")
            })?,
        };
        let setup = Setup { pooling: LlamaPoolingType::Rank, window: DEFAULT_WINDOW_TOKENS, threads, workers: 1 };
        let workers = Workers::start(&Source::File(path.to_owned()), setup)?;
        Ok(LlamaReranker { model: identify(path, &info)?, form, workers })
    }
}

impl Reranker for LlamaReranker {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn rerank(&self, query: &str, documents: &[&str], limit: Duration) -> Result<Vec<f32>> {
        let until = Instant::now() + limit;
        let query = query.to_owned();
        let documents: Vec<String> = documents.iter().map(|document| (*document).to_owned()).collect();
        let form = self.form.clone();
        let scores = self.workers.map(vec![documents], move |sequences, documents| {
            let score = |document: &String| {
                if Instant::now() >= until {
                    let message = format!("重排超过了 {} 毫秒", limit.as_millis());
                    return Err(Error::new(Code::Timeout, message, "换一个小一些的重排模型,或不用 --reranker"));
                }
                let tokens = form.tokens(sequences, &query, document)?;
                let scores = sequences.outputs(&[tokens])?;
                scores.first().and_then(|score| score.first()).copied().filter(|score| score.is_finite()).ok_or_else(
                    || Error::new(Code::ModelUnavailable, "重排模型没有给出分数", "模型文件可能已损坏,请核对校验值"),
                )
            };
            documents.iter().map(score).collect::<Result<Vec<f32>>>()
        })?;
        Ok(scores.into_iter().flatten().collect())
    }
}
